import json

import numpy as np
import pytest

from tests.unit.inspection.folders import wordpiece, write
from tokpipe.cli.main import execute
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.manifest import Manifest
from tokpipe.words.counts import WordCounts


def test_a_sound_folder_exits_with_0(tmp_path, capsys):
    folder = write(tmp_path / "t", wordpiece())
    assert execute(["check", str(folder)]) == 0
    assert capsys.readouterr().out.endswith("✓ no problem found\n")


def test_a_problem_exits_with_1_and_is_in_the_json(tmp_path, capsys):
    content = wordpiece()
    content["post_processor"]["cls"] = ["[CLS]", 4]
    folder = write(tmp_path / "t", content)
    assert execute(["check", str(folder), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["name"] == str(folder) and found["about"] == "wordpiece, 19 tokens"
    assert [finding["level"] for finding in found["findings"]] == ["error"]


def test_what_is_no_tokenizer_exits_with_3(tmp_path, capsys):
    assert execute(["check", str(tmp_path)]) == 3
    assert "no tokenizer.json, vocab.txt or vocab.json" in capsys.readouterr().err
    (tmp_path / "tokenizer.json").write_text("[" * 100_000)
    assert execute(["check", str(tmp_path)]) == 3


def test_settings_are_checked_for_names_that_nobody_knows(tmp_path, capsys):
    path = tmp_path / "tokpipe.toml"
    path.write_text("[explain.bpe]\nsteps = 3\n")
    assert execute(["check", str(path)]) == 0
    path.write_text("[explain.bpe]\nstepz = 3\n")
    assert execute(["check", str(path)]) == 1
    assert "stepz" in capsys.readouterr().out


def test_counts_and_several_sizes_are_held_against_their_manifests(tmp_path, capsys):
    counts = tmp_path / "counts"
    words = Strings.from_list(["harbour", "quay"])
    WordCounts(words=words, counts=np.array([3, 2])).save(counts)
    assert execute(["check", str(counts)]) == 0
    stored = (counts / "counts.arrow").read_bytes()
    (counts / "counts.arrow").write_bytes(stored.replace(b"quay", b"quaz"))
    assert execute(["check", str(counts)]) == 1
    assert "counts.arrow" in capsys.readouterr().out
    several = tmp_path / "several"
    several.mkdir()
    for size in ("19", "20"):
        write(several / size, wordpiece())
    Manifest(kind="tokenizers").write(several, ["19/tokenizer.json", "20/tokenizer.json"])
    assert execute(["check", str(several)]) == 0
    assert capsys.readouterr().out.count("wordpiece, 19 tokens") == 2
    (several / "20" / "tokenizer.json").write_text(
        (several / "19" / "tokenizer.json").read_text() + " "
    )
    assert execute(["check", str(several)]) == 1


def test_values_that_options_do_not_take_are_found(tokpipe, tmp_path):
    path = tmp_path / "tokpipe-train.toml"
    path.write_text(
        'seed = "x"\n[train-vocab]\nvocab_size = "many"\nmodel = "bpe"\n[pretrain]\nsteps = 5\n'
    )
    ran = tokpipe("check", path, "--json")
    assert ran.code == 1
    places = [finding["place"] for finding in ran.json[0]["findings"]]
    assert places == ["seed", "train-vocab: vocab_size"]


def _parts(folder):
    train, test = folder / "train.tsv", folder / "test.tsv"
    train.write_text("text\tkind\tlabel\na b\tp\tx\nc d\tq\ty\ne f\tp\tx\ng h\tq\ty\n")
    test.write_text("text\tkind\tlabel\ni j\tp\tx\nk l\tq\ty\n")
    return str(train), str(test)


def test_labelled_data_is_checked_with_a_table(tmp_path, capsys):
    train, test = _parts(tmp_path)
    assert execute(["check", train, test, "--task", "classification"]) == 0
    out = capsys.readouterr().out
    assert "classification: texts by label" in out
    assert out.endswith("✓ no problem found\n")


def test_problems_of_labelled_data_exit_with_1_and_are_in_the_json(tmp_path, capsys):
    train, _ = _parts(tmp_path)
    options = ["--task", "classification", "--label-column", "kind", "--text-column", "label"]
    assert execute(["check", train, train, *options, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["parts"][0]["labels"] == {"p": 2, "q": 2}
    assert found["parts"][1]["part"] == "validation"
    problems = [each["problem"] for each in found["findings"] if each["level"] == "warning"]
    assert any("4 texts are in the train part, too (100 %)" in problem for problem in problems)


def test_labelled_data_that_cannot_be_read_exits_with_3(tmp_path, capsys):
    train, _ = _parts(tmp_path)
    assert execute(["check", train, "--task", "regression"]) == 3
    assert "train.tsv:2: the label is 'x', not a finite number" in capsys.readouterr().err
    assert execute(["check", train, "--task", "ner"]) == 3
    assert "train.tsv:1: tags like 'label' do not say where entities are" in capsys.readouterr().err


def test_several_paths_need_a_task_and_a_task_no_corpus(tmp_path, capsys):
    train, test = _parts(tmp_path)
    assert execute(["check", train, test]) == 2
    assert "2 paths; one is needed" in capsys.readouterr().err
    assert execute(["check", train, "--task", "pos", "--corpus", train]) == 2
    assert "--corpus is about a vocabulary" in capsys.readouterr().err
    assert execute(["check", train, "--task", "pos", "--errors", "skip"]) == 2
    assert "labelled data is read strictly" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "flag", "said"),
    [
        ("ner", "--text-column", "--text-column is for texts: --task ner is for words"),
        ("qa", "--tag-scheme", "--tag-scheme is for words: --task qa is for questions"),
        ("regression", "--word-column", "--word-column is for words: --task regression is for te"),
    ],
)
def test_columns_of_other_data_are_not_passed_over(tmp_path, capsys, task, flag, said):
    train, _ = _parts(tmp_path)
    value = "IOB2" if flag == "--tag-scheme" else "label"
    assert execute(["check", train, "--task", task, flag, value]) == 2
    assert said in capsys.readouterr().err
    settings = tmp_path / "s.toml"  # may be of several tasks
    settings.write_text(f'[check]\n{flag[2:]} = "{value}"\n')
    execute(["check", train, "--task", task, "--config", str(settings)])
    assert said not in capsys.readouterr().err


def test_columns_come_from_the_settings_file_by_the_names_of_their_options(tmp_path, capsys):
    train, _ = _parts(tmp_path)
    settings = tmp_path / "s.toml"
    settings.write_text('[check]\ntask = "classification"\nlabel-column = "kind"\n')
    assert execute(["check", train, "--json", "--config", str(settings)]) == 0
    assert json.loads(capsys.readouterr().out)["parts"][0]["labels"] == {"p": 2, "q": 2}
    assert execute(["check", train, "--task", "classification", "--text-column", "txt"]) == 3
    assert "train.tsv:1: no column 'txt'" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["a,b"], ["a", "b"]])
def test_columns_that_are_named_one_by_one_all_count(tmp_path, capsys, flags):
    (tmp_path / "a.csv").write_text("text,a,b\nx,1,0\ny,0,1\n")
    given = [word for flag in flags for word in ("--label-column", flag)]
    path = str(tmp_path / "a.csv")
    assert execute(["check", path, "--task", "multilabel", "--json", *given]) == 0
    assert json.loads(capsys.readouterr().out)["parts"][0]["labels"] == {"a": 1, "b": 1}
