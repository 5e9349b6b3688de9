from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.reference import train_reference


def merged(words, **settings):
    settings = {"model": "bpe", "special_tokens": (), "min_frequency": 1, **settings}
    vocabulary = train_reference(words, VocabConfig(**settings))
    return [(vocabulary.tokens[a], vocabulary.tokens[b]) for a, b, _ in vocabulary.merges.tolist()]


def test_the_textbook_string_gives_z_y_x():
    # aaabdaaabac: aa stands 4 times (overlapping); then Za and ab 2 times each, and ab is the
    # shorter; then ZY stands 2 times. (Wikipedia, Byte-pair encoding)
    steps = merged({"aaabdaaabac": 1}, vocab_size=(7,), tie_break="first-seen")
    assert steps == [("a", "a"), ("a", "b"), ("aa", "ab")]


def test_text_texting_context_comes_out_in_reading_order():
    # te, ex, xt stand 9 + 10 + 11 = 30 times, no other pair so often; te is seen first. Then
    # te-x and xt stand 30 times, and xt is the shorter. Then text_ stands 9 + 11 = 20 times.
    words = {"text_": 9, "texting_": 10, "context_": 11}
    steps = merged(words, vocab_size=(13,), tie_break="first-seen")
    assert steps == [("t", "e"), ("x", "t"), ("te", "xt"), ("text", "_")]


def test_hug_pug_pun_bun_hugs():
    # Hugging Face's course: ##u 36 times, ##g 20, ##s 5; (##g, ##s) has 5 / (20 * 5) = 1/20, the
    # best likelihood; the commonest pair is (##u, ##g), 20 times.
    words = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    wordpiece = {"model": "wordpiece", "vocab_size": (12,)}  # 7 + 4 letters, 1 merge
    assert merged(words, **wordpiece, score="likelihood") == [("##g", "##s")]
    assert merged(words, **wordpiece) == [("##u", "##g")]
