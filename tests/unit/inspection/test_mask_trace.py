import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.inspection.printing import colored, shown
from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.mask_trace import KEPT, MASKED, RANDOM
from tokpipe.examples.masking import mask_examples
from tokpipe.inspection.mask_trace import trace_json, trace_masking
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.terminal.marks import UNICODE
from tokpipe.inspection.terminal.masking import Vocabulary, mask_trace_renderable, masked_lines

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*SPECIALS, "the", "light", "##house", "ship", "##s", "東", "\x1b]0;x\x07[bold]"]
FACTS = TokenFacts.of_tokens(
    TOKENS,
    set(SPECIALS),
    {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4},
    "##",
)
VOCABULARY = Vocabulary(TOKENS, TokenForm(prefix="##", special_tokens=frozenset(SPECIALS)))
SENTENCE = np.array([2, 5, 6, 7, 8, 9, 10, 11, 3], np.int32)

CONFIGS = st.builds(
    MaskConfig,
    masked_lm_prob=st.sampled_from([0.1, 0.15, 0.4, 1.0]),
    max_predictions_per_seq=st.sampled_from([None, 1, 3]),
    mask_replace_prob=st.sampled_from([0.8, 0.5]),
    random_replace_prob=st.sampled_from([0.1, 0.2]),
    whole_word=st.booleans(),
    span=st.sampled_from(["none", "geometric"]),
)


@given(st.lists(st.integers(0, len(TOKENS) - 1), min_size=1, max_size=30), CONFIGS, st.integers(0))
@settings(max_examples=200)
def test_the_trace_is_what_the_masking_does(tokens, config, seed):
    key = seed & (2**64 - 1)
    ids = np.array(tokens, np.int32)
    trace = trace_masking(ids, key, FACTS, config)
    offsets, keys = np.array([0, len(ids)]), np.array([key], np.uint64)
    masks = mask_examples(ids, offsets, keys, FACTS, config)
    assert trace.masked == tuple(ids.tolist())
    assert list(trace.positions) == masks.positions.tolist()
    assert [trace.ids[p] for p in trace.positions] == masks.ids.tolist()
    assert trace.wanted - len(trace.positions) == (
        trace.draws[-1].left if trace.draws else trace.wanted
    )


def test_every_step_is_drawn():
    config = MaskConfig(masked_lm_prob=0.4, whole_word=True)
    drawn = shown(mask_trace_renderable(trace_masking(SENTENCE, 5, FACTS, config), config,
                                        VOCABULARY, "seed 5"))  # fmt: skip
    assert "  the 1  light ##house 2  ship ##s 4  東 6" in drawn
    assert "  5 words, 7 of 9 tokens, 2 special ones left out" in drawn
    assert "  round(0.4 × 9) = round(3.60) = 4, at least 1" in drawn
    assert "  draw 1: place " in drawn and "taken, " in drawn
    assert "[MASK]" in drawn.split("5. What the model gets")[1]


@pytest.mark.parametrize(("becomes", "sign"), [(MASKED, "<"), (RANDOM, "<="), (KEPT, ">=")])
def test_each_fate_comes_with_its_arithmetic(becomes, sign):
    shares = {MASKED: (1, 0), RANDOM: (0, 1), KEPT: (0, 0)}[becomes]
    config = MaskConfig(mask_replace_prob=shares[0], random_replace_prob=shares[1])
    trace = trace_masking(SENTENCE, 1, FACTS, config)
    assert {fate.becomes for fate in trace.fates} == {becomes}
    drawn = shown(mask_trace_renderable(trace, config, VOCABULARY, "seed 1"))
    assert f" {sign} " in drawn.split("4. What becomes")[1]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            TokenForm(prefix="##"),
            "mask. ## begins a piece that goes on with a word; special",
        ),
        (TokenForm(suffix="</w>"), "mask. </w> ends a word; special tokens,"),
        (TokenForm(byte_level=True), "mask. · is a space; special tokens,"),
        (TokenForm(space="▁"), "mask. · is a space; special tokens,"),
        (TokenForm(), "mask. Special tokens,"),
    ],
)
def test_the_sign_of_this_vocabulary_is_told(form, said):
    trace = trace_masking(SENTENCE, 1, FACTS, MaskConfig())
    view = mask_trace_renderable(trace, MaskConfig(), Vocabulary(TOKENS, form), "seed 1")
    assert said in " ".join(shown(view).split())


def test_a_word_that_does_not_fit_is_passed_over_with_its_reason():
    config = MaskConfig(max_predictions_per_seq=1, masked_lm_prob=1, whole_word=True)
    reasons = {
        draw.reason
        for key in range(30)
        for draw in trace_masking(SENTENCE, key, FACTS, config).draws
    }
    assert reasons == {"", "2 tokens, room for 1"}


def test_a_word_that_is_too_long_is_drawn_token_by_token_with_the_reason():
    config = MaskConfig(masked_lm_prob=0.4, whole_word=True)
    row = np.array([2, 6, 7, 7, 7, 7, 7, 3], np.int32)  # one word of six, where three are wanted
    trace = trace_masking(row, 1, FACTS, config)
    assert [len(draw.taken) for draw in trace.draws] == [0, 1, 1, 1]
    drawn = shown(mask_trace_renderable(trace, config, VOCABULARY, "seed 1"))
    assert drawn.count("taken, ") == drawn.count(" a part of a word that is too long") == 3
    assert "then a part" not in drawn


def test_what_stood_there_is_under_each_mask():
    masked = [2, 4, 6, 7, 10, 9, 10, 11, 3]
    lines = masked_lines(SENTENCE.tolist(), masked, [1, 4, 6], VOCABULARY, (80, UNICODE))
    assert [line.plain for line in lines] == [
        r"  [CLS] [MASK] light ##house 東   ##s 東 \x1b]0;x\x07[bold] [SEP]",
        r"        the                  ship     =",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_it_fits_the_terminal_and_harms_none(width):
    config = MaskConfig(masked_lm_prob=0.5, span="geometric")
    renderable = mask_trace_renderable(
        trace_masking(SENTENCE, 2, FACTS, config), config, VOCABULARY, "seed 2"
    )
    drawn = shown(renderable, width=width, encoding="ascii")
    assert drawn.isascii() and not set(drawn) & set("\x1b\x07")
    assert max(map(len, drawn.splitlines())) <= max(width, 30)  # one token is 23 wide
    assert "\x1b]" not in colored(renderable, width=width)


def test_json_tells_the_same():
    trace = trace_masking(SENTENCE, 3, FACTS, MaskConfig())
    content = trace_json(trace, TOKENS)
    assert content["tokens"][1:4] == ["the", "light", "##house"]
    assert [fate["position"] for fate in content["fates"]] == list(trace.positions)
    assert content["draws"][0]["of"] == 9
