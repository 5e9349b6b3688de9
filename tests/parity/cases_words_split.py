"""Arguments for the kernels of splitting: characters that are each treated in another way."""

from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.words.config import WordsConfig
from tokpipe.words.pre_tokenizers import plain_split_tables, split_tables

# Runs, capitals, contractions, marks of several classes (kept, dropped, starters), Hangul whole
# and in parts, Chinese plain and compatible, white space that is a control character, characters
# that grow, shrink, vanish or become punctuation when normalised, and long ASCII for the vectors.
ODD = [
    *"aBz09 .,'!_-\n\t\r\x00\x0b\x1c\x7f\x85éÉßİıſKΣςΐǅẞſtﬁ≮\u1ffe\u037e`",
    *"\u0301\u0323\u0345\u302e\u0f73\u0f71\u0f72\U0001d165\U0001d15e\U0001d16d\u0903\u0e31\u05b0",
    *"가각힣각中豈㐀\U00020000\U0002f800、。ｱﾞ١٣²Ⅷ\u3000\u00a0\u2003\u2028\u202f\u200d\u200b\u00ad\ufeff",
    *"👩\ufe0f🏽עברيहिन्दีไทยЖж\u180e\ufffd\ue000\U0010ffff\u0378\u1c89\ua7cb\u32ff\U00011938",
    "'s", "'re", "'ll", "'t", "don't", " the", "  ", "ONE TWO ", "averyveryverylongasciiword" * 3,
]  # fmt: skip
TEXT = st.one_of(
    st.lists(st.sampled_from(ODD), max_size=30).map("".join),
    st.text("aZ19 .'\n\ts\x1cé", max_size=200),  # words found many at once, in blocks of 64 bytes
    st.text(max_size=20),
)
TEXTS = st.lists(TEXT, max_size=4)

BERT_CONFIGS = st.builds(
    WordsConfig,
    clean_text=st.booleans(),
    handle_chinese_chars=st.booleans(),
    lowercase=st.booleans(),
    strip_accents=st.booleans(),
)
PLAIN_CONFIGS = st.builds(
    WordsConfig,
    normalizer=st.just("none"),
    lowercase=st.just(False),
    pre_tokenizer=st.sampled_from(["bert", "gpt2", "whitespace", "whitespace-split", "none"]),
)


@st.composite
def split_words(draw):
    strings = Strings.from_list(draw(TEXTS))
    return strings.data, strings.offsets, split_tables(draw(BERT_CONFIGS | PLAIN_CONFIGS))


@st.composite
def word_spans(draw):
    strings = Strings.from_list(draw(TEXTS))
    return strings.data, strings.offsets, plain_split_tables(draw(PLAIN_CONFIGS))


CASES = {
    "tokpipe.words.kernels.layout.split_words": split_words(),
    "tokpipe.words.kernels.layout.word_spans": word_spans(),
}
