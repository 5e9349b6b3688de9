import json

import pyarrow as pa
import pytest
from tokenizers import Tokenizer as Judge

LINES = ["don't panic, naïve 東京", "hello harbour", "", " the\tferry ", "Åsa 😀 \x1b[31m"]


@pytest.fixture
def folder(tokpipe, text_file):
    """A folder with a text and a byte-level tokenizer, whose texts come back whole."""
    line = ("--model", "byte-bpe", "--vocab-size", "300", "-q", "-o", "tok")
    assert tokpipe("train-vocab", text_file, *line).code == 0
    (text_file.parent / "lines.txt").write_text("\n".join(LINES) + "\n", "utf-8", newline="")
    return text_file.parent


@pytest.fixture
def judge(folder):
    return Judge.from_file(str(folder / "tok" / "tokenizer.json"))


def written(folder, name):
    return (folder / name).read_bytes()


def test_ids_are_those_of_the_tokenizers_library(tokpipe, folder, judge):
    assert tokpipe("encode", "-t", "tok", "lines.txt", "-o", "ids.txt").code == 0
    rows = [[int(i) for i in line.split()] for line in written(folder, "ids.txt").splitlines()]
    assert rows == [judge.encode(line).ids for line in LINES]


@pytest.mark.parametrize(
    "command",
    [
        ("encode", "-t", "tok", "lines.txt"),
        ("encode", "-t", "tok/vocab.json", "lines.txt"),
        ("decode", "-t", "tok", "lines.txt"),
        ("inspect", "tokens", "-t", "tok", "a"),
        ("inspect", "vocab", "tok"),
        ("inspect", "masking", "-t", "tok", "a"),
        ("explain", "masking", "-t", "tok", "a"),
        ("build-shards", "lines.txt", "-t", "tok", "-o", "out"),
        ("check", "tok"),
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_a_tokenizer_that_the_manifest_does_not_say_is_refused(tokpipe, folder, command):
    path = folder / "tok" / "tokenizer.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"a"', '"?"').replace('"b"', '"a"').replace('"?"', '"b"'), "utf-8")
    ran = tokpipe(*command)
    assert ran.code == (1 if command[0] == "check" else 4)
    assert "tokenizer.json" in ran.out + ran.err and "sha256 begins with" in ran.out + ran.err


def test_special_tokens_can_be_left_out(tokpipe, folder, judge):
    line = ("encode", "-t", "tok", "lines.txt", "--no-add-special-tokens", "-o", "ids.jsonl")
    assert tokpipe(*line).code == 0
    rows = [json.loads(row) for row in written(folder, "ids.jsonl").splitlines()]
    wanted = [judge.encode(line, add_special_tokens=False) for line in LINES]
    assert [row["input_ids"] for row in rows] == [encoding.ids for encoding in wanted]
    assert [row["tokens"] for row in rows] == [encoding.tokens for encoding in wanted]


def test_offsets_and_cuts(tokpipe, folder, judge):
    line = ("encode", "-t", "tok", "lines.txt", "--offsets", "--max-length", "5", "-o", "o.jsonl")
    assert tokpipe(*line).code == 0
    judge.enable_truncation(5)
    for row, text in zip(written(folder, "o.jsonl").splitlines(), LINES, strict=True):
        found, wanted = json.loads(row), judge.encode(text)
        assert found["input_ids"] == wanted.ids
        assert [tuple(pair) for pair in found["offsets"]] == wanted.offsets
        assert found["word_ids"] == wanted.word_ids


def test_tokens_are_readable_and_cannot_act(tokpipe, folder):
    assert tokpipe("encode", "-t", "tok", "lines.txt", "--to", "tokens", "-o", "t").code == 0
    lines = written(folder, "t").decode().splitlines()
    assert len(lines) == len(LINES)
    assert lines[1].startswith("<s> h")
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("name", ["ids.txt", "ids.jsonl", "ids.arrow"])
def test_text_comes_back_from_every_form(tokpipe, folder, name):
    assert tokpipe("encode", "-t", "tok", "lines.txt", "-o", name).code == 0
    assert tokpipe("decode", "-t", "tok", name, "-o", "back.txt").code == 0
    assert written(folder, "back.txt") == written(folder, "lines.txt")
    assert tokpipe("decode", "-t", "tok", name, "-o", "back.jsonl", "--to", "jsonl").code == 0
    rows = [json.loads(row)["text"] for row in written(folder, "back.jsonl").splitlines()]
    assert rows == LINES


def test_arrow_is_a_stream_of_lists(tokpipe, folder, judge):
    assert tokpipe("encode", "-t", "tok", "lines.txt", "-o", "ids.arrow").code == 0
    table = pa.ipc.open_stream(folder / "ids.arrow").read_all()
    assert table.schema.field("input_ids").type == pa.list_(pa.int32())
    assert table["input_ids"].to_pylist() == [judge.encode(line).ids for line in LINES]


def test_arrow_files_are_decoded_too(tokpipe, folder, judge):
    table = pa.table({"input_ids": [judge.encode(line).ids for line in LINES]})
    with pa.ipc.new_file(folder / "file.arrow", table.schema) as writer:
        writer.write_table(table)
    assert tokpipe("decode", "-t", "tok", "file.arrow", "-o", "back.txt").code == 0
    assert written(folder, "back.txt") == written(folder, "lines.txt")


def test_pipes_lead_there_and_back(process, folder):
    text = "\n".join(LINES).encode() + b"\n"
    ids = process("encode", "-t", "tok", input=text)
    assert ids.returncode == 0, ids.stderr
    back = process("decode", "-t", "tok", input=ids.stdout)
    assert back.stdout == text


def test_rows_of_a_table_keep_their_line_ends(tokpipe, folder, judge):
    (folder / "t.jsonl").write_text('{"text": "a\\nb\\n"}\n{"text": ""}\n')
    assert tokpipe("encode", "-t", "tok", "t.jsonl", "-o", "ids.txt").code == 0
    rows = [[int(i) for i in line.split()] for line in written(folder, "ids.txt").splitlines()]
    assert rows == [judge.encode("a\nb\n").ids, judge.encode("").ids]


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["encode", "lines.txt"], 2, "--tokenizer"),
        (["encode", "-t", "no", "lines.txt"], 3, "no"),
        (["encode", "-t", "tok", "no.txt"], 3, "no.txt"),
        (["encode", "-t", "tok", "lines.txt", "-o", "text.txt"], 4, "text.txt exists already"),
        (["encode", "-t", "tok", "lines.txt", "-o", "tok"], 4, "tok is a folder"),
        (["encode", "-t", "tok", "lines.txt", "--offsets"], 2, "--to jsonl"),
        (["decode", "-t", "tok", "lines.txt"], 3, 'lines.txt:1: "don\'t" is not an id'),
        (["decode", "-t", "tok", "big.txt"], 3, "big.txt:2: id 99999 is not below 300"),
        (["decode", "-t", "tok", "no.txt"], 3, "no.txt: no such file"),
        (["decode", "-t", "tok", "bad.jsonl"], 3, "bad.jsonl:1:"),
        (["decode", "-t", "tok", "bad.arrow"], 3, "bad.arrow: not an Arrow"),
    ],
)
def test_mistakes_are_named(tokpipe, folder, line, code, said):
    (folder / "big.txt").write_text("1 2\n3 99999\n")
    (folder / "bad.jsonl").write_text('{"input_ids": ["a"]}\n')
    (folder / "bad.arrow").write_text("no arrow")
    ran = tokpipe(*line)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("form", ["ids", "jsonl", "arrow"])
def test_cut_texts_are_those_of_the_library(tokpipe, folder, judge, form):
    judge.enable_truncation(4)
    expected = [judge.encode(line).ids for line in LINES]
    for threads in ("1", "2"):
        line = ["encode", "-t", "tok", "lines.txt", "--to", form, "-o", f"{form}{threads}"]
        assert tokpipe(*line, "--max-length", "4", "--threads", threads).code == 0
    assert (folder / f"{form}1").read_bytes() == (folder / f"{form}2").read_bytes()
    if form == "arrow":
        assert pa.ipc.open_stream(folder / "arrow1").read_all()["input_ids"].to_pylist() == expected
    elif form == "ids":
        lines = written(folder, "ids1").splitlines()
        assert [[int(id) for id in line.split()] for line in lines] == expected
    else:
        rows = [json.loads(row) for row in written(folder, "jsonl1").splitlines()]
        assert [row["input_ids"] for row in rows] == expected


def test_too_few_tokens_for_the_special_ones_are_refused(tokpipe, folder):
    ran = tokpipe("encode", "-t", "tok", "lines.txt", "--max-length", "1")
    assert ran.code == 2
    assert "max_length=1 cannot hold the 2 special tokens" in ran.err


def test_a_plan_encodes_nothing(tokpipe, folder):
    ran = tokpipe("encode", "-t", "tok", "lines.txt", "-o", "ids.arrow", "--dry-run", "--json")
    assert ran.code == 0 and ran.json["inputs"] == 1
    assert not (folder / "ids.arrow").exists()
    assert tokpipe("decode", "-t", "tok", "ids.arrow", "-o", "text.txt", "--dry-run").code == 2


def test_json_is_json_lines_there_and_back(tokpipe, folder):
    assert tokpipe("encode", "-t", "tok", "lines.txt", "-o", "ids", "--json").code == 0
    assert list(json.loads(written(folder, "ids").splitlines()[0])) == ["input_ids", "tokens"]
    line = ("--from", "jsonl", "-o", "text", "--json")
    assert tokpipe("decode", "-t", "tok", "ids", *line).code == 0
    assert [json.loads(row)["text"] for row in written(folder, "text").splitlines()] == LINES


@pytest.fixture
def stored(folder):
    """A tokenizer that holds truncation and padding of its own."""

    def write(truncation=None, padding=None):
        document = json.loads((folder / "tok" / "tokenizer.json").read_bytes())
        document |= {"truncation": truncation, "padding": padding}
        (folder / "stored.json").write_text(json.dumps(document))
        return Judge.from_file(str(folder / "stored.json"))

    return write


CUT = {"max_length": 6, "stride": 1, "strategy": "LongestFirst", "direction": "Left"}
FILLED = {
    "strategy": {"Fixed": 9},
    "direction": "Left",
    "pad_to_multiple_of": 4,
    "pad_id": 1,
    "pad_type_id": 0,
    "pad_token": "<pad>",
}


@pytest.mark.parametrize("truncation", [None, CUT, {**CUT, "direction": "Right"}])
@pytest.mark.parametrize("padding", [None, FILLED, {**FILLED, "strategy": "BatchLongest"}])
@pytest.mark.parametrize("special", [True, False])
def test_what_the_file_says_of_length_holds_for_every_form(
    tokpipe, folder, stored, truncation, padding, special
):
    judge = stored(truncation, padding)
    wanted = [judge.encode(line, add_special_tokens=special) for line in LINES]  # a text a batch
    line = ["encode", "-t", "stored.json", "lines.txt"]
    line += [] if special else ["--no-add-special-tokens"]
    forms = {"ids.txt": [], "ids.jsonl": [], "o.jsonl": ["--offsets"], "ids.arrow": [], "t": []}
    for name, more in forms.items():
        kind = ["--to", "tokens"] if name == "t" else []
        assert tokpipe(*line, *more, *kind, "-o", name).code == 0
    rows = [[int(i) for i in row.split()] for row in written(folder, "ids.txt").split(b"\n")[:-1]]
    assert rows == [one.ids for one in wanted]
    for name in ("ids.jsonl", "o.jsonl"):
        found = [json.loads(row) for row in written(folder, name).splitlines()]
        assert [row["input_ids"] for row in found] == [one.ids for one in wanted]
    assert [[tuple(pair) for pair in row["offsets"]] for row in found] == [
        one.offsets for one in wanted
    ]
    table = pa.ipc.open_stream(folder / "ids.arrow").read_all()
    assert table["input_ids"].to_pylist() == [one.ids for one in wanted]
    lengths = [len(row.split()) for row in written(folder, "t").split(b"\n")[:-1]]
    assert lengths == [len(one.ids) for one in wanted]


def test_a_length_that_is_asked_for_goes_before_the_stored_one(tokpipe, folder, stored):
    judge = stored(CUT)
    judge.enable_truncation(4, direction="left")
    line = ("encode", "-t", "stored.json", "lines.txt", "--max-length", "4", "-o", "ids.txt")
    assert tokpipe(*line).code == 0
    rows = [[int(i) for i in row.split()] for row in written(folder, "ids.txt").splitlines()]
    assert rows == [judge.encode(text).ids for text in LINES]


def test_null_rows_of_a_stream_are_empty_texts(tokpipe, folder, judge):
    ids = judge.encode("hello").ids
    table = pa.table({"input_ids": pa.array([ids, None, []], pa.list_(pa.int32()))})
    with pa.ipc.new_stream(folder / "nulls.arrow", table.schema) as writer:
        writer.write_table(table)
    assert tokpipe("decode", "-t", "tok", "nulls.arrow", "-o", "back.txt").code == 0
    assert written(folder, "back.txt") == b"hello\n\n\n"


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([[1, None]]), "bad.arrow:1: id 2 is null"),
        (pa.array([[1.5]]), "holds lists of double, not of whole numbers"),
        (pa.array(["a"]), "input_ids is a column of string, not of lists of ids"),
        (pa.array([1, 2]), "input_ids is a column of int64"),
        (pa.array([[[1]]]), "holds lists of list"),
        (pa.array([[1, -1]]), "bad.arrow:1: id -1 is not below"),
    ],
)
def test_columns_that_are_no_ids_are_named(tokpipe, folder, column, said):
    table = pa.table({"input_ids": column})
    with pa.ipc.new_stream(folder / "bad.arrow", table.schema) as writer:
        writer.write_table(table)
    result = tokpipe("decode", "-t", "tok", "bad.arrow")
    assert result.code == 3 and said in result.err


def test_a_vocabulary_that_does_not_fit_is_said_at_the_end(tokpipe, folder):
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\n##s\n")
    (folder / "known.txt").write_text("hello hellos\n" * 99)
    for text, is_said in (("lines.txt", True), ("known.txt", False)):
        for more in ([], ["--to", "jsonl", "--offsets"], ["--quiet"]):
            result = tokpipe("encode", "-t", "vocab.txt", text, *more)
            assert result.code == 0
            assert ("% of the words are unknown to the vocabulary" in result.err) == is_said
    result = tokpipe("encode", "-t", "tok", "lines.txt")
    assert "unknown" not in result.err


@pytest.mark.parametrize("form", [["--to", "ids"], ["--to", "arrow"], ["--to", "tokens"], []])
def test_an_unknown_word_without_an_unknown_token_ends_the_run(tokpipe, folder, form):
    (folder / "vocab.txt").write_text("a\nb\n")
    (folder / "az.txt").write_text("a b\na z\n")
    form = form or ["--to", "jsonl", "--offsets"]
    result = tokpipe("encode", "-t", "vocab.txt", "az.txt", *form, "-o", "out")
    assert result.code == 3 and "the word 'z' is not in the vocabulary" in result.err
