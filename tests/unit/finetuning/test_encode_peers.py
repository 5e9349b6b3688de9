"""What fine-tuning reads, held against the encodings that transformers trains on."""

import bz2
import csv
import json
import lzma

import numpy as np
import pytest

from tests.unit.finetuning.rows import questions_of, tagged_of, texts_of, types_of, windows_of
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_questions import encode_questions
from tokpipe.finetuning.encode_tags import encode_tags
from tokpipe.finetuning.encode_texts import encode_texts
from tokpipe.tokenizer.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports


@pytest.fixture(scope="module", params=["uncased", "cased", "roberta"])
def both(request, shared_data, tmp_path_factory):
    """Return a tokenizer of theirs, and ours of the same folder."""
    folder, vocab = tmp_path_factory.mktemp(request.param), shared_data / "vocab"
    if request.param == "roberta":
        theirs = roberta(folder, vocab)
    else:
        theirs = transformers.BertTokenizerFast(
            str(vocab / f"bert-base-{request.param}-vocab.txt"),
            do_lower_case=request.param == "uncased",
        )
    theirs.save_pretrained(folder)
    return theirs, Tokenizer.load(folder)


def roberta(folder, vocab):
    """Make a RoBERTa tokenizer of GPT-2's words."""
    ids = json.loads((vocab / "gpt2-encoder.json").read_text())
    for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>"):
        ids[token] = len(ids)
    (folder / "all.json").write_text(json.dumps(ids))
    merges = str(vocab / "gpt2-vocab.bpe")
    return transformers.RobertaTokenizerFast(
        str(folder / "all.json"), merges, add_prefix_space=True
    )


@pytest.fixture(scope="module")
def snli(shared_data):
    path = shared_data / "tasks" / "snli" / "cased-dev-sample.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row["sentence1"] for row in rows], [row["sentence2"] for row in rows]


def conll_words(path, column):
    """Return the words of each sentence of a file."""
    text = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    sentences = [
        [line.split("\t")[column] for line in block.splitlines() if not line.startswith("#")]
        for block in text.decode().strip().split("\n\n")
    ]
    return sentences[:1_500]


@pytest.mark.parametrize("most", [512, 24])
def test_pairs_of_texts_are_theirs_row_for_row(both, snli, most):
    theirs, ours = both
    found = encode_texts(texts_of(*snli), ours, WindowConfig(max_seq_length=most), 512)
    expected = theirs(*snli, truncation="longest_first", max_length=most)
    assert windows_of(found) == expected["input_ids"] and len(found) > 1_000
    if "token_type_ids" in expected:
        assert types_of(found) == expected["token_type_ids"]
    else:
        assert found.token_type_ids is None


@pytest.mark.parametrize("most", [512, 64])
def test_single_texts_are_theirs_row_for_row(both, shared_data, most):
    theirs, ours = both
    with (shared_data / "tasks" / "sst2" / "dev.tsv").open() as file:
        texts = [row["sentence"] for row in csv.DictReader(file, delimiter="\t", quoting=3)]
    imdb = bz2.decompress((shared_data / "tasks" / "imdb" / "test-2000.jsonl.bz2").read_bytes())
    texts += [json.loads(line)["text"] for line in imdb.splitlines()[:200]]
    found = encode_texts(texts_of(texts), ours, WindowConfig(max_seq_length=most), None)
    expected = theirs(texts, truncation=True, max_length=most)["input_ids"]
    assert windows_of(found) == expected
    windows = WindowConfig(max_seq_length=most, stride=20, long_texts="mean")
    found = encode_texts(texts_of(texts), ours, windows, None)
    expected = theirs(
        texts, truncation=True, max_length=most, stride=20, return_overflowing_tokens=True
    )
    assert windows_of(found) == expected["input_ids"]
    assert found.row.tolist() == expected["overflow_to_sample_mapping"]


@pytest.mark.parametrize("most", [512, 16])
@pytest.mark.parametrize("source", ["wnut17/test.conll", "ud-ewt/en_ewt-ud-dev.conllu.xz"])
def test_sentences_of_words_are_theirs_row_for_row(both, shared_data, source, most):
    theirs, ours = both
    sentences = conll_words(shared_data / "tasks" / source, "conllu" in source)
    config = WindowConfig(max_seq_length=most, stride=3)
    found = encode_tags(tagged_of(sentences), ours, config, None)
    expected = theirs(
        sentences,
        is_split_into_words=True,
        truncation=True,
        max_length=most,
        stride=3,
        return_overflowing_tokens=True,
    )
    rows = list(zip(found.row.tolist(), windows_of(found), strict=True))
    borders = np.cumsum([0, *map(len, sentences)])
    at = 0
    for window, (row, ids) in enumerate(
        zip(expected["overflow_to_sample_mapping"], expected["input_ids"], strict=True)
    ):
        firsts = first_pieces(expected.word_ids(window), expected, window)
        if not firsts:
            continue
        assert rows[at] == (row, ids)
        positions = found.logit_places(np.array([at]))
        assert (found.tag_positions[positions] - found.offsets[at]).tolist() == list(firsts)
        assert (found.word[positions] - borders[row]).tolist() == list(firsts.values())
        at += 1
    assert at == len(found) > 1_000


def first_pieces(words, expected, window):
    """Return the place and the word of each first piece, as scripts for NER find them."""
    row = expected["overflow_to_sample_mapping"][window]
    is_first = window == 0 or expected["overflow_to_sample_mapping"][window - 1] != row
    shown, before = {}, None
    for place, word in enumerate(words):
        starts = word is not None and word != before
        if starts and not is_first and before is None:
            starts = begins_here(expected, window, place)
        if starts:
            shown[place] = word
        before = word
    return shown


def begins_here(expected, window, place):
    """Whether a word that a later window begins with begins there, by the window before."""
    earlier = window - 1
    word = expected.word_ids(window)[place]
    shared = expected.word_ids(earlier)[:-1]
    at = len(shared) - 3  # the stride
    return shared[at] == word and shared[at - 1] != word


@pytest.mark.parametrize("most", [384, 100])
def test_questions_are_theirs_window_for_window(both, shared_data, most):
    theirs, ours = both
    rows = squad_rows(shared_data)
    rows = [row for row in rows if len(theirs(row[1])["input_ids"]) < min(64, most // 2) - 2]
    data = questions_of(*rows)
    found = encode_questions(data, ours, WindowConfig(max_seq_length=most, stride=30), None)
    expected = theirs(
        [question for _, question, _ in rows],
        [context for context, _, _ in rows],
        truncation="only_second",
        max_length=most,
        stride=30,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    grid = ~found.paragraphs.placed
    ids = [ids for ids, kept in zip(windows_of(found), grid, strict=True) if kept]
    assert ids == expected["input_ids"]
    assert found.row[grid].tolist() == expected["overflow_to_sample_mapping"]
    spans = found.answer_spans[grid].tolist()
    differ = 0
    for window, span in enumerate(spans):
        text, start = rows[expected["overflow_to_sample_mapping"][window]][2][0]
        differ += span != their_target(expected, window, start, start + len(text))
    assert found.lost == 0 and differ == 0 and len(spans) > len(rows) > 2_000


def squad_rows(shared_data):
    tasks = shared_data / "tasks"
    documents = [
        json.loads(lzma.decompress((tasks / "squad" / "train-4k.json.xz").read_bytes())),
        json.loads((tasks / "xquad" / "xquad.en.json").read_text()),
    ]
    return [
        (paragraph["context"], asked["question"].strip(), answers_of(asked)[:1])
        for document in documents
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ][::2]


def answers_of(asked):
    return [(answer["text"], answer["answer_start"]) for answer in asked["answers"]]


def their_target(expected, window, start, end):
    """Return the tokens of a window that an answer touches, or [CLS] if it is not whole in it."""
    sequences = expected.sequence_ids(window)
    offsets = expected["offset_mapping"][window]
    tokens = [t for t, sequence in enumerate(sequences) if sequence == 1]
    if not tokens or offsets[tokens[0]][0] > start or offsets[tokens[-1]][1] < end:
        return [0, 0]
    touched = [t for t in tokens if offsets[t][1] > start and offsets[t][0] < end]
    return [touched[0], touched[-1]]
