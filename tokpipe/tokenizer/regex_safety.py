"""Which regular expressions of strangers may run: those that cannot take exponential time.

A backtracking engine is exponential where a repeated group can match one text in two ways. The
rule here is stricter and simple: a group that repeats without a bound may hold neither another
unbounded repeat nor a choice. No tokenizer in use needs either (GPT-2, GPT-4, Llama 3, Qwen and
DeepSeek patterns pass).

References
----------
Weideman, van der Merwe, Berglund and Watson (2016), Analyzing Matching Time Behavior of
Backtracking Regular Expression Matchers by Using Ambiguity of NFA.
"""

import re

MOST_PATTERN = 4096
MOST_REPEAT = 1000
_MOST_UNBOUNDED = 5  # repeats in one alternative: the time is a polynomial of this degree at worst
_MOST_OF_GROUP = 3  # times that a group with a choice or repeat inside may come

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
    'an unbounded repeat around another repeat or choice'
    """
    if len(pattern) > MOST_PATTERN:
        return f"{len(pattern):,} characters, at most {MOST_PATTERN:,} are allowed"
    groups = [False]  # for each open group: does it hold an unbounded repeat or a choice?
    last = False  # does the group that ended just now hold one?
    unbounded = 0  # repeats of this alternative
    for match in _TOKEN.finditer(pattern):
        token, repeat = match[0], _repeat(match[0])
        if repeat > _MOST_OF_GROUP and last:
            return "an unbounded repeat around another repeat or choice"
        last = False
        if token.startswith("(") and not token.endswith(")"):
            groups.append(False)
        elif token == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] |= last
        elif token == "|":
            groups[-1], unbounded = True, 0
        elif repeat > MOST_REPEAT:
            groups[-1], unbounded = True, unbounded + 1
            if unbounded > _MOST_UNBOUNDED:
                return f"more than {_MOST_UNBOUNDED} unbounded repeats in a row"
    return ""


def _repeat(token: str) -> int:
    """Return how often a token lets what stands before it repeat; 1 if it is no repeat."""
    if token[0] in "*+":
        return MOST_REPEAT + 1
    if token[0] == "{" and len(token) > 2:
        bounds = token.rstrip("?+")[1:-1].split(",")
        last = bounds[-1]
        return (int(last) if last else MOST_REPEAT + 1) if last.isdigit() or not last else 1
    return 1
