"""A vocabulary made up for one sentence: to show an algorithm without a trained one."""

from dataclasses import replace

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.texts import Inputs
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import BERT_SPECIAL_TOKENS
from tokpipe.words.config import BERT_UNCASED
from tokpipe.words.normalizers import before_split
from tokpipe.words.pre_tokenizers import split_words

SENTENCE = "The old lighthouse keeper counted the ships that passed, and never once miscounted."
_LONGEST = 6  # letters of a word that stays whole
_WORDS = replace(BERT_UNCASED, strip_accents=False)


def toy_tokenizer(text: str) -> Tokenizer:
    """Make a WordPiece vocabulary of a text's own words, those over six letters in two pieces.

    A lone surrogate is an `InputError`.

    Examples
    --------
    >>> toy_tokenizer("A lighthouse").tokens[5:]
    ['a', 'light', '##house']
    """
    texts = Strings.from_list(Inputs([text]).utf8()[0])
    words, _ = split_words(before_split(texts, _WORDS), _WORDS)
    pieces = [piece for word in words.iter_bytes() for piece in _pieces(word.decode())]
    tokens = dict.fromkeys((*BERT_SPECIAL_TOKENS, *pieces))
    return Tokenizer(spec_from_bert_vocab([*tokens], _WORDS))


def _pieces(word: str) -> list[str]:
    if len(word) <= _LONGEST:
        return [word]
    half = len(word) // 2
    return [word[:half], f"##{word[half:]}"]
