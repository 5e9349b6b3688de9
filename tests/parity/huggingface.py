"""The judge of the trainer: tokenizers' BpeTrainer on weighted words."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from tokpipe.foundation.errors import ConfigError
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR, Vocabulary


def train_huggingface(
    words: Mapping[str, int], config: VocabConfig
) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Return the tokens by id and the merges by rank that tokenizers learns from words."""
    optional = {
        "continuing_subword_prefix": config.prefix,
        "end_of_word_suffix": config.end_of_word_suffix,
        "max_token_length": config.max_token_length,
    }
    trainer = BpeTrainer(
        vocab_size=config.sizes[-1],
        min_frequency=config.min_frequency,
        special_tokens=list(config.specials),
        limit_alphabet=config.limit_alphabet,
        initial_alphabet=_initial(config),
        show_progress=False,
        **{name: value for name, value in optional.items() if value},
    )
    tokenizer = Tokenizer(BPE())
    tokenizer.train_from_iterator(_repeated(words, config), trainer)
    vocab = tokenizer.get_vocab(with_added_tokens=False)
    merges = _merges(tokenizer)
    return tuple(sorted(vocab, key=vocab.__getitem__)), merges


def marked_order(
    words: Iterable[str], tokens: tuple[str, ...], config: VocabConfig
) -> list[str] | None:
    """Return the marked symbols in the order in which tokenizers happened to number them."""
    front, back = config.prefix, config.end_of_word_suffix
    if not front and not back:
        return None
    last = {word: len(word) - 1 for word in words}
    symbols = {
        (front if i else "") + c + (back if i == last[word] else "")
        for word in words
        for i, c in enumerate(word)
    }
    place = {token: i for i, token in enumerate(tokens)}
    return sorted((s for s in symbols if len(s) > 1 and s in place), key=place.__getitem__)


def assert_agrees(
    learn: Callable[[Mapping[str, int], VocabConfig, list[str] | None], Vocabulary],
    words: Mapping[str, int],
    config: VocabConfig,
) -> None:
    """Hold a trainer to tokenizers: the same tokens and merges, or the size is refused.

    Where one token is made by two merges, two entries of tokenizers' queue can be equal, and its
    result then hangs on a random hash seed: ours must be one of the results that it has.
    """
    for _ in range(40):
        tokens, merges = train_huggingface(words, config)
        try:
            ours = learn(words, config, marked_order(words, tokens, config))
        except ConfigError:
            return
        learned = [(ours.tokens[a], ours.tokens[b]) for a, b, _ in ours.merges.tolist()]
        if (ours.tokens, learned) == (tokens, merges):
            return
        if len(ours.tokens) - ours.base_size == len(ours.steps):
            break
    assert ours.tokens == tokens
    assert learned == merges


def _initial(config: VocabConfig) -> list[str]:
    return ByteLevel.alphabet() if config.model == "byte-bpe" else list(config.initial_alphabet)


def _repeated(words: Mapping[str, int], config: VocabConfig) -> Iterator[list[str]]:
    """Yield words in lists: without a pre-tokenizer a text is one word."""
    for word, count in words.items():
        if config.model == "byte-bpe":
            word = "".join(BYTE_TO_CHAR[byte] for byte in word.encode())
        yield [word] * count


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    return [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
