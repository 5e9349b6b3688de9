"""Which regular expressions of strangers may run: those that cannot take exponential time.

Oniguruma cannot be stopped from Python, and its own limit (10 million steps back a match) is met
anew at every character of a text: nothing bounds the time of a bad expression in the process. So
they are judged before. A backtracking engine is exponential where a repeat can match one text in
two ways. Most expressions in use (GPT-2, GPT-4, Llama 3, Qwen, DeepSeek) are safe by their form:
no group that repeats holds another repeat or a choice. The others are taken for what they are, a
finite automaton, in which two ways round a loop are looked for.

References
----------
Weideman, van der Merwe, Berglund and Watson (2016), Analyzing Matching Time Behavior of
Backtracking Regular Expression Matchers by Using Ambiguity of NFA.
"""

import re

from tokpipe.tokenizer.regex_ambiguity import ambiguity

MOST_PATTERN = 4096  # characters; those in use have up to 500
MOST_REPEAT = 1000  # more counts as no bound at all
_MOST_UNBOUNDED = 5  # repeats in one alternative: the time is a polynomial of this degree at worst
_MOST_OF_GROUP = 3  # times that a group with a choice or repeat inside may come

_BACK_REFERENCE = re.compile(r"\\[1-9kgXR]")  # and what reads several characters at once
_TOKEN = re.compile(
    r"\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|.)"  # an escape
    r"|\[(?:[^\]\\\[]|\\.|\[(?:[^\]\\]|\\.)*\])*\]"  # a class, one nested class deep
    r"|\(\?(?:[imsx-]*:|<?[=!]|>|[imsx-]+\)|<\w+>)?"  # the head of a special group
    r"|\{\d*,?\d*\}[?+]?|[*+?][?+]?|[()|]|.",
    re.DOTALL,
)


def unsafe_reason(pattern: str) -> str:
    r"""Say why a pattern must not run, or return "" if it may.

    Examples
    --------
    >>> unsafe_reason("\\\\p{L}+| ?[^\\\\s]+")
    ''
    >>> unsafe_reason("(a+)+$")
    'an unbounded repeat that can match one text in two ways'
    >>> unsafe_reason("a+(-a+)*")
    ''
    """
    if len(pattern) > MOST_PATTERN:
        return f"{len(pattern):,} characters, at most {MOST_PATTERN:,} are allowed"
    return ambiguity(pattern) if _is_suspicious(pattern) else ""


def _is_suspicious(pattern: str) -> bool:
    """Say whether the form alone does not show that a pattern is harmless."""
    groups = [False]  # for each open group: does it hold an unbounded repeat or a choice?
    last = False  # does the group that ended just now hold one?
    unbounded = 0  # repeats of this alternative
    for match in _TOKEN.finditer(pattern):
        token, repeat = match[0], _repeat(match[0])
        if repeat > _MOST_OF_GROUP and last:
            return True
        last = False
        if token.startswith("(") and not token.endswith(")"):
            groups.append(False)
        elif token == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] |= last
        elif token == "|":
            groups[-1], unbounded = True, 0
        elif _BACK_REFERENCE.fullmatch(token):
            return True
        elif repeat > MOST_REPEAT:
            groups[-1], unbounded = True, unbounded + 1
            if unbounded > _MOST_UNBOUNDED:
                return True
        elif token[0] == "?" or (token[0] == "{" and len(token) > 2):
            groups[-1] = True
    return False


def _repeat(token: str) -> int:
    """Return how often a token lets what stands before it repeat; 1 if it is no repeat."""
    if token[0] in "*+":
        return MOST_REPEAT + 1
    if token[0] == "{" and len(token) > 2:
        bounds = token.rstrip("?+")[1:-1].split(",")
        last = bounds[-1]
        return (int(last) if last else MOST_REPEAT + 1) if last.isdigit() or not last else 1
    return 1
