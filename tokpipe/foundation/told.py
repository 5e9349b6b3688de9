"""What may be told: text without credentials, and what lies in our cache by its own name.

An address may hold a password or a signature, a library's error the key that was refused; none of
that belongs into a message, a log or a manifest. All of them go through here.
"""

import os
import re
import threading

_HIDDEN = "***"
_SECRETS = (
    # scheme://user:password@host; keys of AWS hold slashes. A port is none.
    (re.compile(r"\b([a-z][\w+.-]+:/+)[^\s/:@]*:(?!\d+(?:/|$))[^\s@]+@", re.I), rf"\1{_HIDDEN}@"),
    (
        re.compile(
            r"([?&;][^\s=&?]*(?:sig|token|key|secret|passw|credential|auth|code)[^\s=&?]*=)[^\s&'\"]*[^\s&'\".,:;]",
            re.I,
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), _HIDDEN),  # key ids of AWS
    (re.compile(r"\bhf_[A-Za-z0-9]{30,}"), _HIDDEN),  # tokens of Hugging Face
    (
        re.compile(
            r"((?:account_?key|shared_?access_?signature|secret(?:_?access)?_?key|session_?token"
            r"|access_?key(?:_?id)?|password)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&<>]+",
            re.I,
        ),
        rf"\1{_HIDDEN}",
    ),
)
_COLLAPSED = re.compile(r"(?<![\w/])(s3|gs|az|abfs|hf|memory|https?|sftp):/(?!/)")  # by a `Path`
_NAMES = re.compile(
    r"(?:AWS|AZURE|GOOGLE|GCS|HF|HUGGING\w*|S3)_\w*(?:SECRET|TOKEN|KEY|SAS|PASSWORD|CONNECTION)\w*"
)
_SHORTEST = 6  # characters of a value in the environment that is taken for a secret

_MOST_NAMES = 1000  # that are remembered: those that were told of last

_lock = threading.Lock()
_names: dict[str, str] = {}  # of local copies: what they are copies of


def call(path: str | os.PathLike[str], name: str) -> None:
    """Have a local copy called what it is a copy of."""
    with _lock:
        _names.pop(os.fspath(path), None)
        _names[os.fspath(path)] = name
        if len(_names) > _MOST_NAMES:
            del _names[next(iter(_names))]


def named(text: str) -> str:
    """Return text in which local copies are called what they are copies of."""
    with _lock:
        names = list(_names.items())
    for path, name in names:
        text = text.replace(path, name)
    return text


def told(text: str) -> str:
    """Return text as it may be shown or kept.

    Examples
    --------
    >>> told("s3://AKIA0123456789:abc/d+e@bucket/a.txt: refused")
    's3://***@bucket/a.txt: refused'
    >>> told("https://host/a.txt?X-Amz-Signature=0123&part=1")
    'https://host/a.txt?X-Amz-Signature=***&part=1'
    >>> told("http://127.0.0.1:9000/a@b, s3://bucket/part-?.txt")
    'http://127.0.0.1:9000/a@b, s3://bucket/part-?.txt'
    """
    text = named(text)
    if ":" in text or "=" in text:
        text = _COLLAPSED.sub(r"\1://", text)
        for pattern, hidden in _SECRETS:
            text = pattern.sub(hidden, text)
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value in text and _NAMES.fullmatch(name):
            text = text.replace(value, _HIDDEN)
    return text
