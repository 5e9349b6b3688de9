"""The `tokenizers` library as judge of normalisation and splitting."""

import functools
from collections.abc import Callable
from itertools import accumulate

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from tokpipe.words.config import WordsConfig

_FORMS = {
    "nfc": normalizers.NFC,
    "nfd": normalizers.NFD,
    "nfkc": normalizers.NFKC,
    "nfkd": normalizers.NFKD,
}
_PRE_TOKENIZERS = {
    "bert": pre_tokenizers.BertPreTokenizer,
    "whitespace": pre_tokenizers.Whitespace,
    "whitespace-split": pre_tokenizers.WhitespaceSplit,
}


@functools.cache
def peer_normalizer(config: WordsConfig) -> normalizers.Normalizer:
    """Return the library's normalizer for our settings."""
    if config.normalizer == "bert":
        return normalizers.BertNormalizer(
            clean_text=config.clean_text,
            handle_chinese_chars=config.handle_chinese_chars,
            strip_accents=config.strip_accents,
            lowercase=config.lowercase,
        )
    steps = [_FORMS[config.normalizer]()] if config.normalizer in _FORMS else []
    steps += [normalizers.Lowercase()] if config.lowercase else []
    steps += [normalizers.StripAccents()] if config.strip_accents else []
    return normalizers.Sequence(steps)


def peer_pre_tokenizer(config: WordsConfig) -> pre_tokenizers.PreTokenizer | None:
    """Return the library's pre-tokenizer for our settings."""
    if config.pre_tokenizer == "gpt2":
        return pre_tokenizers.ByteLevel(add_prefix_space=config.add_prefix_space, use_regex=True)
    return _PRE_TOKENIZERS[config.pre_tokenizer]() if config.pre_tokenizer != "none" else None


# GPT-2 shows each byte as a character: printable Latin-1 as itself, the others from U+0100 on.
_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_BYTE_OF = {chr(b): b for b in _PRINTABLE}
_BYTE_OF |= {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in _PRINTABLE)}


@functools.cache
def peer_words(config: WordsConfig) -> Callable[[str], list[bytes]]:
    """Return a function from a text to its words, as the library has them, as bytes."""
    normalize, splitter = peer_normalizer(config).normalize_str, peer_pre_tokenizer(config)

    def words(text: str) -> list[bytes]:
        text = normalize(text)
        if splitter is None:
            return [text.encode()] if text else []
        found = [word for word, _ in splitter.pre_tokenize_str(text)]
        if config.pre_tokenizer == "gpt2":
            return [bytes(_BYTE_OF[c] for c in word) for word in found]
        return [word.encode() for word in found]

    return words


@functools.cache
def peer_spans(config: WordsConfig) -> Callable[[str], list[tuple[int, int]]]:
    """Return a function from a text to the spans of its words in it, in bytes of UTF-8."""
    tokenizer = Tokenizer(models.WordLevel({"any": 0}, unk_token="any"))
    tokenizer.normalizer, splitter = peer_normalizer(config), peer_pre_tokenizer(config)
    if splitter is not None:
        tokenizer.pre_tokenizer = splitter

    def spans(text: str) -> list[tuple[int, int]]:
        borders = list(accumulate((len(c.encode()) for c in text), initial=0))
        found = tokenizer.encode(text, add_special_tokens=False).offsets
        return [(borders[start], borders[end]) for start, end in found]

    return spans
