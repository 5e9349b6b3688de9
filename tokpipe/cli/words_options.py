"""Options of normalisation and pre-tokenisation, whose defaults follow the kind of vocabulary."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tokpipe.cli.options import config_options
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig

HEADING = "Words (by default as RoBERTa does for byte-bpe, as BERT does otherwise)"

words_options: Callable[[Callable[..., Any]], Callable[..., Any]] = config_options(
    WordsConfig,
    "words",
    heading=HEADING,
    flags={"lowercase": "--lowercase/--cased"},
    given_only=(),
)


def words_config(model: str, given: Mapping[str, Any]) -> WordsConfig:
    """Return the usual configuration of a kind of vocabulary, changed by what was given.

    Examples
    --------
    >>> words_config("byte-bpe", {"lowercase": True}).pre_tokenizer
    'gpt2'
    """
    return replace(GPT2 if model == "byte-bpe" else BERT_UNCASED, **given)
