"""The numbers that stand in the tables: flags, BERT classes and variants, each named once."""

# flags of a code point
SPACE = 1  # white space for every pre-tokenizer
PUNCTUATION = 2  # for BertPreTokenizer
LETTER = 4  # \p{L}
NUMBER = 8  # \p{N}
WORD = 16  # \w
CONTROL = 32  # removed by clean_text
CHINESE = 64  # set apart by handle_chinese_chars
BERT_MARK = 128  # removed by BertNormalizer's strip_accents, after NFD
MARK = 256  # removed by the StripAccents normalizer
# A starter that the form leaves as it is, and that joins nothing before it: text up to a safe
# code point can be normalised on its own.
FORM_FLAGS = {"nfc": 512, "nfd": 1024, "nfkc": 2048, "nfkd": 4096}
STARTER_FIRST = 8192  # its full decomposition does not begin with a mark

# variants of the BERT normalizer, a sum of:
CLEAN_TEXT, CHINESE_CHARS, LOWERCASE, STRIP_ACCENTS = 1, 2, 4, 8

# classes of a code point in one variant
PLAIN = 0  # part of a word, as it is
SEPARATOR = 1  # white space
ALONE = 2  # a word of its own, as it is
DROPPED = 3  # removed; does not part the marks beside it
MAPPED = 4  # part of a word, replaced by a string
ALONE_MAPPED = 5  # a word of its own, replaced by a string
HANGUL = 6  # part of a word, a syllable to be decomposed
DROPPED_STARTER = 7  # removed, and marks do not move across its place
SORTED = 8  # like MAPPED, with marks that are kept and move into canonical order

# what a step of normalisation does to a code point by itself
KEEP, REMOVE, REPLACE, SPACED = range(4)

# what a code point is to a normal form
SAFE = 0  # see FORM_FLAGS
CUT = 1  # changes, but only decomposition: what stands before it can be done with
BOUND = 2  # changes together with what stands before it
