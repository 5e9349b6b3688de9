"""Whether a regular expression can match one text in many ways, found on its automaton.

Each character that a pattern can read is a position; an edge leads from a position to the one that
may be read next (Glushkov's automaton), counted as often as the pattern has a way for it. It is
exponential where two different ways lead from a position back to it over one text, and a
polynomial of the number of loops that follow each other and read the same characters.

References
----------
Weber and Seidl (1991), On the Degree of Ambiguity of Finite Automata.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TypeVar

_MOST_EDGES = 2_000  # in loops: their pairs are looked at, four million take some seconds
_MOST_ALL_EDGES = 100_000  # 10 MB
_MOST_STEPS = 10_000  # parts read, copies included: as many as a pattern of 4,096 characters needs
_MOST_ATOMS = 200  # different ones: each is asked for its characters, which takes 5 ms
_MOST_COPIES = 8  # of a part that repeats so often at most; more is taken for no bound
_MOST_DEPTH = 50  # groups in groups
_MOST_DEGREE = 5  # loops over the same text, one behind the other
EXPONENTIAL = "an unbounded repeat that can match one text in two ways"

_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
_ZERO_WIDTH = re.compile(r"\\[bBAzZGK]|[\^$]|\(\?#[^)]*\)|\(\?[ims-]+\)")
_GROUP = re.compile(r"\((?:\?(?:[ims-]*:|(?P<look><?[=!])|>|P?<\w+>|'\w+'))?")
_ATOM = re.compile(
    r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\x[0-9a-fA-F]{1,2}|\\u[0-9a-fA-F]{4}|\\[^XRkg1-9]|[^\\]"
)
_IGNORES_CASE = re.compile(r"\(\?[ms]*i")
Node = TypeVar("Node", bound=Hashable)


class _UnknownError(Exception):
    """A part of a pattern is not understood."""


@dataclass
class _Part:
    """A part of a pattern: whether it may be empty, where it begins and ends, how often."""

    empty: bool = True
    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)


class _Automaton:
    """The positions of a pattern, by their sets of characters, and the edges between them."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.depth, self.steps = pattern, 0, 0, 0
        self.atoms: list[str] = []
        self.edges: Counter[tuple[int, int]] = Counter()
        self._choice()
        if self.at < len(pattern):
            raise _UnknownError

    def _choice(self) -> _Part:
        whole = self._sequence()
        while self.pattern.startswith("|", self.at):
            self.at += 1
            other = self._sequence()
            whole = _Part(
                whole.empty or other.empty, whole.first + other.first, whole.last + other.last
            )
        return whole

    def _sequence(self) -> _Part:
        whole = _Part()
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            if zero := _ZERO_WIDTH.match(self.pattern, self.at):
                self.at = zero.end()
                continue
            whole = self._joined(whole, self._repeated())
        return whole

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._connect(left, right)
        return _Part(
            left.empty and right.empty,
            left.first + right.first if left.empty else left.first,
            left.last + right.last if right.empty else right.last,
        )

    def _connect(self, left: _Part, right: _Part) -> None:
        if len(self.edges) + len(left.last) * len(right.first) > _MOST_ALL_EDGES:
            raise _UnknownError
        for (a, times), (b, more) in product(left.last.items(), right.first.items()):
            self.edges[a, b] = min(2, self.edges[a, b] + times * more)

    def _repeated(self) -> _Part:
        start = self.at
        part = self._atom()
        end = self.at
        while quantifier := _QUANTIFIER.match(self.pattern, self.at):
            least, most = _bounds(quantifier)
            if most is None or most > _MOST_COPIES:
                self._connect(part, part)
                part = _Part(part.empty or not least, part.first, part.last)
            else:
                part = self._copies(part, start, end, least, most)
            end = self.at = quantifier.end()
        return part

    def _copies(self, part: _Part, start: int, end: int, least: int, most: int) -> _Part:
        """Read a part again for each time that it may come."""
        whole = _Part()
        for i in range(most):
            if i:
                self.at = start
                part = self._atom()
                while self.at < end:  # what it repeats inside
                    quantifier = _QUANTIFIER.match(self.pattern, self.at)
                    if quantifier is None:
                        raise _UnknownError
                    self._connect(part, part)
                    self.at = quantifier.end()
            whole = self._joined(whole, _Part(part.empty or i >= least, part.first, part.last))
        return whole

    def _atom(self) -> _Part:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise _UnknownError
        if self.pattern[self.at] == "(":
            return self._group()
        start = self.at
        if self.pattern[start] == "[":
            self.at = _end_of_class(self.pattern, start)
        elif atom := _ATOM.match(self.pattern, start):
            self.at = atom.end()
        else:
            raise _UnknownError
        self.atoms.append(self.pattern[start : self.at])
        here = Counter([len(self.atoms) - 1])
        return _Part(False, here, here)

    def _group(self) -> _Part:
        head = _GROUP.match(self.pattern, self.at)
        self.depth += 1
        if head is None or self.depth > _MOST_DEPTH or self.pattern.startswith("?", head.end()):
            raise _UnknownError
        self.at = head.end()
        part = self._choice()
        if not self.pattern.startswith(")", self.at):
            raise _UnknownError
        self.at, self.depth = self.at + 1, self.depth - 1
        return _Part() if head["look"] else part


def ambiguity(pattern: str) -> str:
    r"""Say in which way a pattern may take too long, or return "" if it cannot.

    Examples
    --------
    >>> ambiguity(r"(?:\p{L}\p{M}*)+"), ambiguity(r"(?:\w|\d)*!")
    ('', 'an unbounded repeat that can match one text in two ways')
    """
    try:
        return _judge(_Automaton(pattern), _IGNORES_CASE.search(pattern) is not None)
    except _UnknownError:
        return "a repeat around another repeat or choice, in a form that is not understood"


def _judge(automaton: _Automaton, ignores_case: bool) -> str:
    after: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in automaton.edges:
        after[a].append(b)
    loops = components(range(len(automaton.atoms)), after.__getitem__)
    home = {a: i for i, loop in enumerate(loops) for a in loop if len(loop) > 1 or a in after[a]}
    atoms = set(automaton.atoms)
    if len(atoms) > _MOST_ATOMS:
        return f"repeats in repeats of {len(atoms)} characters, at most {_MOST_ATOMS} are allowed"
    readable = {atom: _characters(atom, ignores_case) for atom in atoms}
    chars = [readable[atom] for atom in automaton.atoms]
    inner = {a: [b for b in after[a] if home.get(b) == home[a]] for a in home}
    if sum(map(len, inner.values())) > _MOST_EDGES:
        return f"repeats in repeats with more than {_MOST_EDGES:,} ways through them"
    twice = any(automaton.edges[a, b] > 1 for a in inner for b in inner[a])
    if twice or _two_ways(inner, chars):
        return EXPONENTIAL
    degree = _degree(loops, home, after, chars)
    if degree > _MOST_DEGREE:
        return f"{degree} unbounded repeats of the same characters in a row"
    return ""


def _two_ways(after: Mapping[int, list[int]], chars: list[int]) -> bool:
    """Say whether two different ways lead from a position back to it over the same text."""

    def next_pairs(pair: tuple[int, int]) -> list[tuple[int, int]]:
        a, b = pair
        return [(x, y) for x, y in product(after[a], after[b]) if chars[x] & chars[y]]

    for pairs in components([(a, a) for a in after], next_pairs):
        if any(a == b for a, b in pairs) and any(a != b for a, b in pairs):
            return True
    return False


def _degree(
    loops: list[list[int]],
    home: Mapping[int, int],
    after: Mapping[int, list[int]],
    chars: list[int],
) -> int:
    """Return how many loops at most follow each other over the same characters."""
    reads: defaultdict[int, int] = defaultdict(int)
    for a, loop in home.items():
        reads[loop] |= chars[a]

    @cache
    def longest(loop: int) -> int:
        best = 0
        for other in reads:
            both = reads[loop] & reads[other]
            if other != loop and both and _leads(loops[loop], set(loops[other]), both):
                best = max(best, longest(other))
        return 1 + best

    def _leads(start: list[int], goal: set[int], both: int) -> bool:
        waiting, seen = list(start), set(start)
        while waiting:
            for b in after[waiting.pop()]:
                if b in goal:
                    return True
                if b not in seen and chars[b] & both:
                    seen.add(b)
                    waiting.append(b)
        return False

    return max(map(longest, reads), default=0)


def components(nodes: Iterable[Node], after: Callable[[Node], Iterable[Node]]) -> list[list[Node]]:
    """Return the strongly connected components of what can be reached (Tarjan), last ones first."""
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    found: list[list[Node]] = []
    for root in nodes:
        work = [] if root in order else [(root, iter(after(root)))]
        if work:
            order[root] = low[root] = len(order)
            stack.append(root)
            on_stack.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(after(other))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], order[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    cut = stack.index(node)
                    found.append(stack[cut:])
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
    return found


def _bounds(quantifier: re.Match[str]) -> tuple[int, int | None]:
    sign, least, comma, most = quantifier.groups()
    if sign:
        return int(sign == "+"), 1 if sign == "?" else None
    first = int(least or 0)
    return first, (int(most) if most else None) if comma else first


def _end_of_class(pattern: str, start: int) -> int:
    """Return where a class ends that begins at `start`; classes may stand in classes."""
    depth, at = 0, start
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        depth += (char == "[") - (char == "]")
        at += 1
        if not depth:
            return at
    raise _UnknownError


@cache
def _samples() -> str:
    """Return every character up to U+3000, and of those behind it every sixteenth."""
    codes = [*range(1, 0x3000), *range(0x3000, 0xD800, 16), *range(0xE000, 0x20000, 16)]
    return "".join(map(chr, codes))


def _characters(atom: str, ignores_case: bool) -> int:
    """Return which samples an atom reads, as the bits of a number, by asking the library."""
    from tokenizers import Regex, pre_tokenizers  # only for the few patterns that get here

    text = _samples() + "".join(char for char in atom if ord(char) >= 0x3000)
    body = r"[\s\S]" if atom == "." else atom
    try:
        split = pre_tokenizers.Split(Regex(f"(?i:{body})" if ignores_case else body), "removed")
    except Exception:
        raise _UnknownError from None
    bits = (1 << len(text)) - 1
    for _, (start, end) in split.pre_tokenize_str(text):
        bits &= ~(((1 << (end - start)) - 1) << start)
    return bits
