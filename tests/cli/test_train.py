import json

import pytest
from tokenizers import Tokenizer as Judge


@pytest.mark.parametrize("model", ["wordpiece", "bpe", "byte-bpe"])
def test_folder_opens_in_the_tokenizers_library(tokpipe, text_file, model):
    ran = tokpipe("train-vocab", text_file, "--model", model, "--vocab-size", "280", "-o", "out")
    assert ran.code == 0, ran.err
    assert f"A {model} vocabulary in out" in ran.out
    for row in ("vocabulary", "merges", "tokens a word", "bytes a token", "measured on", "time"):
        assert f"\n{row} " in ran.out
    judge = Judge.from_file(str(text_file.parent / "out" / "tokenizer.json"))
    assert judge.encode("The harbour").tokens
    assert sorted(path.name for path in text_file.parent.iterdir()) == ["out", "text.txt"]


def test_several_sizes_come_from_one_run(tokpipe, text_file):
    ran = tokpipe("train-vocab", text_file, "--vocab_size", "60,0.07k,80", "-o", "out", "--json")
    assert ran.code == 0, ran.err
    assert [made["size"] for made in ran.json["vocabularies"]] == [60, 70, 80]
    lists = [
        (text_file.parent / "out" / size / "vocab.txt").read_text("utf-8").splitlines()
        for size in ("60", "70", "80")
    ]
    assert lists[1] == lists[2][:70]
    assert lists[0] == lists[1][:60]


def test_counts_give_the_same_vocabulary_as_their_text(tokpipe, text_file):
    assert tokpipe("count-words", text_file, "-o", "counts", "--cased").code == 0
    line = ("--vocab-size", "90", "-q")
    assert tokpipe("train-vocab", "--from-counts", "counts", *line, "-o", "a").code == 0
    assert tokpipe("train-vocab", text_file, "--cased", *line, "-o", "b").code == 0
    a, b = ((text_file.parent / name / "tokenizer.json").read_bytes() for name in "ab")
    assert a == b


def test_settings_file_and_flag_meet(tokpipe, text_file):
    text_file.with_name("tokpipe.toml").write_text(
        "[train-vocab]\nvocab_size = 90\nspecial-tokens = ['[UNK]', '<x>']\nmodel = 'wordpiece'\n"
    )
    assert tokpipe("train-vocab", text_file, "-o", "out", "--vocab-size", "70").code == 0
    vocab = (text_file.parent / "out" / "vocab.txt").read_text("utf-8").splitlines()
    assert vocab[:2] == ["[UNK]", "<x>"]
    assert len(vocab) == 70
    manifest = json.loads((text_file.parent / "out" / "tokpipe.json").read_text())
    assert manifest["settings"]["vocab"]["vocab_size"] == [70]


def test_dry_run_tells_the_plan_and_does_nothing(tokpipe, text_file):
    ran = tokpipe("train-vocab", text_file, "-o", "out", "--dry-run", "--vocab-size", "8k,16k")
    assert ran.code == 0
    assert "vocabulary size  8,000, 16,000" in ran.out
    assert "(nothing is done)" in ran.out
    assert [path.name for path in text_file.parent.iterdir()] == ["text.txt"]


def test_size_out_of_reach_is_a_warning(tokpipe, text_file):
    ran = tokpipe("train-vocab", text_file, "-o", "out", "--vocab-size", "30000")
    assert ran.code == 0
    assert "asked 30,000 tokens, reached " in ran.err


def test_accents_that_would_go_are_told(tokpipe, text_file):
    ran = tokpipe("train-vocab", text_file, "-o", "out", "--strip-accents")
    assert ran.code == 0
    assert "--strip-accents changes" in ran.err
    assert "warning" not in tokpipe("train-vocab", text_file, "-o", "kept").err


def test_held_out_texts_are_measured_on(tokpipe, text_file):
    text_file.write_text("".join(f"line {n} of the harbour {n % 7}\n" for n in range(300)))
    ran = tokpipe("train-vocab", text_file, "-o", "out", "--held-out", "0.2", "--vocab-size", "60")
    assert ran.code == 0, ran.err
    assert "measured on         held-out texts" in ran.out


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["-o", "out"], 2, "give INPUT or --from-counts"),
        (["text.txt", "--from-counts", "c", "-o", "out"], 2, "one of them"),
        (["--from-counts", "c", "--cased", "-o", "out"], 2, "takes no options of words"),
        (["--from-counts", "no", "-o", "out"], 4, "no: "),
        (["no.txt", "-o", "out"], 3, "no.txt"),
        (["text.txt", "-o", "out", "--vocab-size", "3"], 2, "3"),
        (["text.txt", "-o", "out", "--vocab-size", "0"], 2, "vocab_size=0"),
        (["text.txt", "-o", "out", "--model", "bpee"], 2, "--model"),
        (["text.txt", "-o", "out", "--special-tokens", "a,a"], 2, "special_tokens"),
        (["text.txt", "-o", "out", "--held-out", "1.5"], 2, "held_out"),
        (["text.txt", "-o", "text.txt"], 4, "exists already"),
    ],
)
def test_mistakes_are_named(tokpipe, text_file, line, code, said):
    ran = tokpipe("train-vocab", *line)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert [path.name for path in text_file.parent.iterdir()] == ["text.txt"]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("acgt" * 30, [], "--max-input-chars-per-word"),
        ("acgt" * 30, ["--max-input-chars-per-word", "120"], ""),
        ("acgt" * 30, ["--model", "byte-bpe"], ""),
        ("a b c d e f", ["--limit-alphabet", "3"], "--limit-alphabet"),
        ("a b c d e f", ["--limit-alphabet", "3", "--model", "bpe"], "--limit-alphabet"),
        ("a b c d e f", [], ""),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_said_with_its_cure(
    tokpipe, tmp_path, text, options, said
):
    (tmp_path / "own.txt").write_text(f"{text}\n" * 9)
    ran = tokpipe("train-vocab", "own.txt", "--vocab-size", "300", "-o", "out", *options)
    assert ran.code == 0
    assert ("are unknown to the vocabulary" in ran.err) == bool(said) and said in ran.err


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        (r"[UNK],a\,b", ["[UNK]", "a,b"]),
        (r"[UNK],\,", ["[UNK]", ","]),
        ("[UNK],", ["[UNK]"]),
        ("[UNK],,x", None),
        (",[UNK]", None),
    ],
)
def test_a_comma_may_stand_in_a_special_token(tokpipe, text_file, given, tokens):
    ran = tokpipe("train-vocab", text_file, "--special-tokens", given, "-o", "out")
    assert ran.code == (0 if tokens else 2)
    if tokens:
        added = json.loads((text_file.parent / "out" / "tokenizer.json").read_text())[
            "added_tokens"
        ]
        assert [token["content"] for token in added] == tokens
    else:
        assert "two commas" in ran.err or "missing" in ran.err
