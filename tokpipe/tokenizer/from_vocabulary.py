"""A trained vocabulary, or the bare vocabulary files of others, to a whole tokenizer."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.parts_json import bert_template, roberta_template
from tokpipe.tokenizer.roles import special_roles, usual_template
from tokpipe.tokenizer.spec import AddedToken, Decoder, DecoderKind, ModelKind, Spec
from tokpipe.vocab.vocabulary import Vocabulary
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig

_BERT_ROLES = {f"{r}_token": f"[{r.upper()}]" for r in ("pad", "unk", "cls", "sep", "mask")}


def spec_from_vocabulary(vocabulary: Vocabulary, words: WordsConfig) -> Spec:
    """Join a vocabulary with the settings its words were made with.

    Raises
    ------
    ConfigError
        If a byte-level vocabulary was not made of byte-level words, or the other way round.
    """
    config = vocabulary.config
    kind = ModelKind(config.model)
    if (kind is ModelKind.BYTE_BPE) != (words.pre_tokenizer == "gpt2"):
        raise ConfigError(
            f"model {config.model!r} does not go with pre_tokenizer {words.pre_tokenizer!r}",
            hint="byte-bpe goes with gpt2, and gpt2 with byte-bpe.",
        )
    ids = {token: i for i, token in enumerate(config.specials)}
    is_bytes = kind is ModelKind.BYTE_BPE
    return Spec(
        model=kind,
        tokens=list(vocabulary.tokens),
        merges=vocabulary.merges[:0] if kind is ModelKind.WORDPIECE else vocabulary.merges,
        words=words,
        unk_token=config.unknown or None,
        continuing_subword_prefix=config.prefix,
        max_input_chars_per_word=config.max_input_chars_per_word,
        end_of_word_suffix=config.end_of_word_suffix,
        added_tokens=special_tokens(ids),
        template=usual_template(ids, byte_level=is_bytes, prefix_space=words.add_prefix_space),
        decoder=_usual_decoder(kind, config.prefix, config.end_of_word_suffix, words),
    )


def _usual_decoder(kind: ModelKind, prefix: str, suffix: str, words: WordsConfig) -> Decoder:
    if kind is ModelKind.BYTE_BPE:
        return Decoder(DecoderKind.BYTE_LEVEL)
    if prefix:
        return Decoder(DecoderKind.WORDPIECE, prefix, cleanup=True)
    if suffix:
        return Decoder(DecoderKind.BPE, suffix)
    # without marks and without words, the tokens end to end are the text
    return Decoder(DecoderKind.FUSE if words.pre_tokenizer == "none" else DecoderKind.NONE)


def special_tokens(ids: Mapping[str, int]) -> tuple[AddedToken, ...]:
    """Return special tokens that are found in raw text, mask tokens as in their models.

    RoBERTa's ``<mask>`` takes the space to its left with it, so that a masked word has no space of
    its own; BERT's knows no spaces.
    """
    return tuple(AddedToken(id, content, lstrip=content == "<mask>") for content, id in ids.items())


def spec_from_bert_vocab(
    tokens: list[str],
    words: WordsConfig | None = None,
    roles: Mapping[str, str] = MappingProxyType({}),
    template: str = "bert",
) -> Spec:
    """Make BERT's tokenizer around a ``vocab.txt``; cased or not by the tokens if not told.

    Parameters
    ----------
    tokens
        Index = id; "" where no token has the id.
    roles
        Special tokens that have other names than BERT's: ``{"mask_token": "<mask>"}``.
    template
        Whose it is, "bert" or "roberta" (MPNet).
    """
    ids = {token: i for i, token in enumerate(tokens)}
    roles = _BERT_ROLES | dict(roles)
    special = {t: ids[t] for t in map(roles.__getitem__, _BERT_ROLES) if t in ids}
    cls, sep = roles["cls_token"], roles["sep_token"]
    around = usual_template(ids, byte_level=False, prefix_space=False)
    if cls in ids and sep in ids:
        made = {"bert": bert_template, "roberta": partial(roberta_template, trim_keeps_first=False)}
        around = made[template]((cls, ids[cls]), (sep, ids[sep]))
    unknown = roles["unk_token"]
    return Spec(
        model=ModelKind.WORDPIECE,
        tokens=tokens,
        merges=np.zeros((0, 3), np.int32),
        words=words or guess_bert_words(tokens),
        unk_token=unknown if unknown in ids else special_roles(ids).get("unk_token", unknown),
        continuing_subword_prefix="##",
        added_tokens=special_tokens(special),
        template=around,
        decoder=Decoder(DecoderKind.WORDPIECE, "##", cleanup=True),
    )


def guess_bert_words(tokens: Sequence[str]) -> WordsConfig:
    """Tell by the tokens whether they are of lower-cased text, and of text without accents."""
    plain = [t for t in tokens if not (t.startswith("[") and t.endswith("]"))]
    cased = sum(t != t.lower() for t in plain) > len(plain) // 100
    accented = sum(map(_has_accent, plain)) > len(plain) // 1000
    return replace(BERT_UNCASED, lowercase=not cased, strip_accents=not cased and not accented)


def _has_accent(token: str) -> bool:
    return not token.isascii() and any(
        unicodedata.combining(char) for char in unicodedata.normalize("NFD", token)
    )


def spec_from_bpe_files(
    tokens: list[str],
    merges: NDArray[np.int32],
    words: WordsConfig | None = None,
    roles: Mapping[str, str] | None = None,
) -> Spec:
    """Make GPT-2's or RoBERTa's tokenizer around ``vocab.json`` and ``merges.txt``.

    Parameters
    ----------
    roles
        Its special tokens, by role; by default those with the usual names.
    """
    ids = {token: i for i, token in enumerate(tokens)}
    named = special_roles(ids) if roles is None else roles
    special = sorted(ids[token] for token in set(named.values()) if token in ids)
    template = usual_template(ids if roles is None else {}, byte_level=True, prefix_space=False)
    if roles is not None and roles.keys() >= {"cls_token", "sep_token"}:
        cls, sep = roles["cls_token"], roles["sep_token"]
        template = roberta_template((cls, ids[cls]), (sep, ids[sep]), trim_keeps_first=False)
    return Spec(
        model=ModelKind.BYTE_BPE,
        tokens=tokens,
        merges=merges,
        words=words or GPT2,
        added_tokens=special_tokens({tokens[id]: id for id in special}),
        template=template,
        decoder=Decoder(DecoderKind.BYTE_LEVEL),
    )
