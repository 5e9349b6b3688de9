"""Labelled rows made by hand, tokenizers for them, and encoding done again in plain Python."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.labelled.records import LabelledTexts, Questions, TaggedWords
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab, spec_from_bpe_files
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR
from tokpipe.words.config import BERT_CASED, BERT_UNCASED, GPT2

_PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] the un ##seen word ##s a ##a b ##b e ##e c ##c . , 東 京 😀 ?"
)
BERT = Tokenizer(spec_from_bert_vocab(_PIECES.split(), replace(BERT_UNCASED, strip_accents=True)))
CASED = Tokenizer(spec_from_bert_vocab([*_PIECES.split(), "E", "é", "##é"], BERT_CASED))


def _roberta():
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *BYTE_TO_CHAR, "he", "Ġt", "Ġthe"]
    ids = {token: i for i, token in enumerate(tokens)}
    pairs = [("h", "e"), ("Ġ", "t"), ("Ġt", "he")]
    merges = np.array([(ids[a], ids[b], ids[a + b]) for a, b in pairs], np.int32)
    return Tokenizer(spec_from_bpe_files(tokens, merges, replace(GPT2, add_prefix_space=True)))


ROBERTA = _roberta()
TOKENIZERS = {"uncased": BERT, "cased": CASED, "roberta": ROBERTA}

# of which the first five are nothing to a tokenizer that strips accents
WORDS = (
    *("", " ", "\u0301", "\u200b", "\x00", "the", "unseen", "words", "a", "aaaa", "E\u0301e", "é"),
    *("東京", "😀", "b.b", "zzz", "a\u0301\u0302b"),
)


def texts_of(*columns, labels=None, names=()):
    """Make rows of one or two texts; without labels they have none."""
    rows = len(columns[0])
    labels = np.full(rows, -1, np.int32) if labels is None else labels
    lines = np.arange(1, rows + 1)
    strings = tuple(map(Strings.from_list, columns))
    return LabelledTexts("rows.tsv", strings, labels, names, lines)


def tagged_of(sentences, tags=None, names=("O", "B-X", "I-X")):
    """Make sentences of words, tagged in turn if not as given."""
    words = [word for sentence in sentences for word in sentence]
    borders = np.cumsum([0, *map(len, sentences)]).astype(np.int64)
    tags = np.arange(len(words)) % len(names) if tags is None else np.array(tags)
    lines = np.arange(1, len(words) + 1)
    strings = Strings.from_list(words)
    return TaggedWords("rows.conll", strings, borders, tags.astype(np.int32), names, "IOB2", lines)


def questions_of(*asked):
    """Make questions of (context, question, [(text, first character), ...]), each context once."""
    contexts = list(dict.fromkeys(context for context, _, _ in asked))
    answers = [(c, text, at) for c, _, found in asked for text, at in found]
    assert all(c[at : at + len(text)] == text for c, text, at in answers)
    return Questions(
        "rows.json",
        Strings.from_list(contexts),
        np.array([contexts.index(context) for context, _, _ in asked], np.int64),
        Strings.from_list([question for _, question, _ in asked]),
        Strings.from_list([str(i) for i in range(len(asked))]),
        Strings.from_list([text for _, text, _ in answers]),
        np.array([len(c[:at].encode()) for c, _, at in answers], np.int64),
        np.cumsum([0, *(len(found) for _, _, found in asked)]).astype(np.int64),
    )


def ids_of(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def windows_of(examples):
    """Return the ids of each window."""
    return _cut(examples.input_ids, examples)


def types_of(examples):
    return _cut(examples.token_type_ids, examples)


def _cut(values, examples):
    return [values[a:b].tolist() for a, b in pairwise(examples.offsets)]
