"""How text is read: the settings, without anything heavy behind them."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting

FORMATS = ("txt", "jsonl", "csv", "tsv", "parquet", "arrow", "datasets")


@dataclass(frozen=True, kw_only=True)
class ReadConfig(Config):
    """How the input is read, whatever is then made of it."""

    format: str = setting(
        "auto", "Format of the input; auto goes by name and content.", choices=("auto", *FORMATS)
    )
    text_column: str = setting("text", "Column or JSON key that holds the text.")
    errors: str = setting(
        "strict",
        "What happens to text that is not UTF-8: stop, put U+FFFD in, or make the text empty.",
        choices=("strict", "replace", "skip"),
    )
    documents: str = setting(
        "blank-line",
        "What ends a document in plain text: a blank line, or the end of the file.",
        choices=("blank-line", "file"),
    )
    max_line_bytes: int = setting(
        128 << 20, "Longest line, row or JSON object, in bytes.", least=1, most=1 << 31
    )
    max_expansion: int = setting(
        200, "Most bytes that one compressed byte may become, past the first 64 MiB.", least=1
    )
    max_json_depth: int = setting(100, "Deepest nesting of a JSON line.", least=1, most=10_000)


@dataclass(frozen=True, kw_only=True)
class SentenceConfig(Config):
    """How a document is cut into sentences."""

    sentence_splitter: str = setting(
        "rule",
        "What a sentence is: found by rules for many languages, a line, or the whole document.",
        choices=("rule", "line", "none"),
    )
