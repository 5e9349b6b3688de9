"""The sample on which is measured what the maps of a model are given: its own vocabulary."""

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.batch import Batch
from tokpipe.tasks.sequences import encode_texts, pack
from tokpipe.tokenizer.tokenizer import Tokenizer

_TEXTS, _SHORTEST, _LONGEST = 32, 2, 24  # tokens of each: of a sentence; 400 in all take 30 ms
_SEED = 8


def sample_of(tokenizer: Tokenizer | None, config: BertConfig) -> Batch:
    """Return sequences of random tokens of a vocabulary, always the same, as the model has texts.

    No text is needed, so a model in 8 bits is the same wherever it is used.
    """
    numbers = np.random.default_rng(_SEED)
    lengths = numbers.integers(_SHORTEST, _LONGEST, _TEXTS, endpoint=True)
    texts = [] if tokenizer is None else _texts(tokenizer, config, numbers, lengths.tolist())
    if tokenizer is not None and texts:
        sequences = encode_texts(tokenizer, texts, config)
        return pack(sequences, np.arange(sequences.rows))
    most = config.longest or _LONGEST
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, most))]).astype(np.int32)
    return Batch(
        input_ids=numbers.integers(0, config.vocab_size, offsets[-1]).astype(np.int32),
        offsets=offsets,
    )


def _texts(
    tokenizer: Tokenizer, config: BertConfig, numbers: np.random.Generator, lengths: list[int]
) -> list[str]:
    """Return texts of random tokens; none of a vocabulary that holds nothing else than special."""
    special = {tokenizer.ids[token] for token in tokenizer.roles.values()}
    ids = [n for n in range(min(tokenizer.vocab_size, config.vocab_size)) if n not in special]
    drawn = [numbers.choice(ids, length).tolist() for length in lengths] if ids else []
    texts = [tokenizer.decode(each) for each in drawn]
    return [text for text in texts if text.strip()]
