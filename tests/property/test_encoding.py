"""Every way to ids gives the same, and what `tokenizers` gives: settings, added tokens, windows."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import tokenizers
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, processors

from tests.parity.cases_tokenizer import specs
from tests.unit.tokenizer.judge import FIELDS, library_of
from tests.unit.tokenizer.test_tokenizer import BERT, ROBERTA
from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.encoding import padding_for
from tokpipe.tokenizer.spec import AddedToken, Padding, Truncation
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig

BYTES = [
    GPT2,
    replace(GPT2, add_prefix_space=True),
    replace(GPT2, normalizer="nfc", add_prefix_space=True),
    replace(BERT_UNCASED, pre_tokenizer="gpt2"),
    replace(BERT_UNCASED, pre_tokenizer="gpt2", add_prefix_space=True),
]
CHARACTERS = [
    BERT_UNCASED,
    WordsConfig(normalizer="nfd", strip_accents=True, pre_tokenizer="whitespace"),
    WordsConfig(normalizer="nfkc", pre_tokenizer="none"),
]
# what is nothing after a step: format and control characters, accents alone, white space
NOTHING = ["\u200b", "\x00", "\x07", "\u0301", "\ufeff", "\xad", " ", "\t", "\n", "\u3000", ""]
WORDS = st.sampled_from(
    [*NOTHING, "a", "the", "un", "é", "A", "e\u0301", "日", "<x>", " <x> ", "!"]
)
TEXT = st.lists(WORDS, max_size=8).map("".join)
ADDED = st.lists(
    st.builds(
        AddedToken,
        id=st.just(0),
        content=st.sampled_from(["<x>", "the", "É", "a "]),  # none that a normalizer leaves empty
        special=st.booleans(),
        normalized=st.booleans(),
        lstrip=st.booleans(),
        rstrip=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda token: token.content,
)
SIDES = st.sampled_from(["left", "right"])
CUTS = st.builds(
    Truncation,
    st.integers(0, 9),
    st.sampled_from(["longest_first", "only_first"]),
    st.none() | st.integers(1, 2),
    SIDES,
)
PADS = st.builds(
    Padding,
    st.none() | st.integers(0, 12),
    multiple_of=st.none() | st.integers(1, 5),
    direction=SIDES,
)


@st.composite
def tokenizers_of_all_kinds(draw):
    spec = draw(st.sampled_from([BERT.spec, ROBERTA.spec]) | specs())
    size = len(spec.tokens)
    kept = tuple(token for token in spec.added_tokens if token.id < size)
    names = {*spec.tokens, *(token.content for token in kept)}
    new = [token for token in draw(ADDED) if token.content not in names]
    added = tuple(replace(token, id=size + i) for i, token in enumerate(new))
    words = draw(st.sampled_from(BYTES if spec.model.value == "byte-bpe" else CHARACTERS))
    return Tokenizer(
        replace(
            spec,
            words=words,
            added_tokens=(*kept, *added),
            truncation=draw(st.none() | CUTS),
            padding=draw(st.none() | PADS),
        )
    )


@given(
    tokenizer=tokenizers_of_all_kinds(),
    texts=st.lists(TEXT, min_size=1, max_size=6),
    special=st.booleans(),
)
def test_every_path_gives_the_ids_of_the_library(tokenizer, texts, special):
    try:
        encodings = tokenizer.encode_batch(texts, add_special_tokens=special)
    except ConfigError:  # no room for the special tokens, or for a window
        assume(False)
    ids = [encoding.ids for encoding in encodings]
    try:
        theirs = library_of(tokenizer).encode_batch(texts, add_special_tokens=special)
    except BaseException as error:  # it cuts characters in two where tokens take space with them
        assert type(error).__name__ == "PanicException"
        theirs = encodings
    for one, other in zip(encodings, theirs, strict=True):
        for field in FIELDS:
            if field != "sequence_ids":  # of padding the library says what it lies beside
                assert getattr(one, field) == getattr(other, field), field
    column = pa.array([texts[0], None, *texts[1:]])
    found = tokenizer.encode_arrow(column, add_special_tokens=special, threads=1).to_pylist()
    assert found.pop(1) is None and found == ids
    chunked = pa.chunked_array([pa.array(texts[:1]), pa.array(texts[1:], pa.string())])
    found = tokenizer.encode_arrow(chunked, add_special_tokens=special, dtype="uint16")
    assert found.to_pylist() == ids
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        found = tokenizer.encode_files([path], add_special_tokens=special, threads=2)
    assert found.to_pylist() == ids
    if tokenizer.spec.padding is None or tokenizer.spec.padding.length is not None:
        assert [tokenizer.encode(t, add_special_tokens=special).ids for t in texts] == ids


def templates():
    special = [("<s>", 1), ("</s>", 2)]
    bert = processors.BertProcessing(("</s>", 2), ("<s>", 1))
    pair = "<s> $A </s> $B:1 </s>:1"
    around = processors.TemplateProcessing("<s> $A </s>", pair, special_tokens=special)
    return {"none": None, "bert": bert, "template": around, "byte-level": processors.ByteLevel()}


def on_the_library(name):
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4, "c": 5, "the": 6}
    library = tokenizers.Tokenizer(models.WordLevel(vocab, "<unk>"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.add_special_tokens(["<s>", "</s>"])
    if processor := templates()[name]:
        library.post_processor = processor
    with tempfile.TemporaryDirectory() as folder:
        library.save(f"{folder}/tokenizer.json")
        return Tokenizer.load(f"{folder}/tokenizer.json"), library


KEEPS = replace(ROBERTA.spec.template, trim_keeps_first=not ROBERTA.spec.template.trim_keeps_first)
JUDGED = {
    "bert": (BERT, library_of(BERT)),
    "roberta": (ROBERTA, library_of(ROBERTA)),
    "roberta, first space": (
        made := Tokenizer(replace(ROBERTA.spec, template=KEEPS)),
        library_of(made),
    ),
    **{name: on_the_library(name) for name in templates()},
}
SPACED = st.lists(
    st.sampled_from(["a", "b", "the", "unseen", "  c", "<mask>", "é", "東", "<s>"]), max_size=7
).map(" ".join)


def fields_of(encoding, but=()):
    found = {field: list(getattr(encoding, field)) for field in FIELDS if field not in but}
    return found, [fields_of(window, but) for window in encoding.overflowing]


@given(
    name=st.sampled_from(sorted(JUDGED)),
    text=SPACED,
    pair=st.none() | SPACED,
    cut=st.builds(
        Truncation,
        st.integers(0, 9),
        st.sampled_from(["longest_first", "only_first", "only_second"]),
        st.integers(0, 3),
        SIDES,
    ),
    special=st.booleans(),
    padding=st.none() | st.integers(1, 12),
)
def test_windows_get_all_that_encodings_get(name, text, pair, cut, special, padding):
    tokenizer, library = JUDGED[name]
    added = library.num_special_tokens_to_add(pair is not None) * special
    assume(cut.max_length >= max(added, 1) and cut.stride < cut.max_length)
    spec = replace(tokenizer.spec, truncation=replace(cut, stride=None))
    ours = Tokenizer(spec, None if tokenizer.is_native else tokenizer._backend)
    how = {"stride": cut.stride, "direction": cut.direction, "strategy": cut.strategy}
    pad = Padding() if "pad_token" not in ours.roles else padding_for(ours.spec, True)
    library.no_padding()
    if padding:
        pad = replace(pad, length=padding, direction=cut.direction)
        named = {"pad_token": pad.pad_token, "pad_id": pad.pad_id, "direction": pad.direction}
        library.enable_padding(length=padding, **named)
        ours.spec = replace(spec, padding=pad)
    try:
        library.enable_truncation(cut.max_length, **how)
        expected = library.encode(text, pair, add_special_tokens=special)
    except ValueError:  # it holds that no window of any text can share so much
        assume(False)
    except BaseException as error:  # a panic is no Exception
        assert type(error).__name__ in ("Exception", "PanicException")
        expected = None
    asked = {"max_length": cut.max_length, "stride": cut.stride, "truncation": cut.strategy}
    try:
        found = ours.encode(text, pair, add_special_tokens=special, **asked)
    except ConfigError:
        assert expected is None
        return
    but = []
    # of padding the library says what it lies beside, and without a post-processor its windows of a
    # pair forget which text is whose: their sequence_ids are (0, 0) for a window of types (0, 1)
    if padding or (name == "none" and pair is not None):
        but.append("sequence_ids")
    if name == "none" and pair is not None and not padding:
        assert all(one.sequence_ids == one.type_ids for one in (found, *found.overflowing))
    if not special and pair is not None and "roberta" in name:
        but.append("type_ids")  # the library leaves the second text of windows, alone, at 1
    assert fields_of(found, but) == fields_of(expected, but)


def test_windows_whose_offsets_were_not_trimmed():
    (_, second) = ROBERTA.encode("the the the the the", max_length=4, stride=0).overflowing
    assert second.offsets == [(0, 0), (12, 15), (16, 19), (0, 0)]


def test_windows_whose_types_were_those_of_a_first_text():
    tokenizer, _ = JUDGED["none"]
    how = {"max_length": 3, "stride": 0, "truncation": "only_second"}
    (second,) = tokenizer.encode("a", "b c b c", **how).overflowing
    assert second.type_ids == [0, 1, 1]


@pytest.mark.parametrize("text", [*NOTHING, "\u200b\u200b", "\u0301\x00", "<s>", "<s>\u200b<s>"])
@pytest.mark.parametrize("words", BYTES)
def test_texts_that_are_nothing_after_a_step_have_no_tokens(text, words):
    tokenizer = Tokenizer(replace(ROBERTA.spec, words=words))
    library = library_of(tokenizer)
    for pair in (None, text, "a"):
        found, expected = tokenizer.encode(text, pair), library.encode(text, pair)
        assert fields_of(found) == fields_of(expected)
    wanted = library.encode(text, add_special_tokens=False).ids
    column = pa.array([None, text, "a", text])
    assert tokenizer.encode_arrow(column).to_pylist()[1::2] == [wanted, wanted]
    assert tokenizer.encode_arrow(pa.array([text])).to_pylist() == [wanted]
