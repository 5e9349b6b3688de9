import json

from tests.unit.inspection.folders import wordpiece, write
from tokpipe.cli.main import execute


def test_a_sound_folder_exits_with_0(tmp_path, capsys):
    folder = write(tmp_path / "t", wordpiece())
    assert execute(["check", str(folder)]) == 0
    assert capsys.readouterr().out.endswith("✓ no problem found\n")


def test_a_problem_exits_with_1_and_is_in_the_json(tmp_path, capsys):
    content = wordpiece()
    content["post_processor"]["cls"] = ["[CLS]", 4]
    folder = write(tmp_path / "t", content)
    assert execute(["check", str(folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["level"] for finding in found] == ["error"]


def test_what_is_no_tokenizer_exits_with_3(tmp_path, capsys):
    assert execute(["check", str(tmp_path)]) == 3
    assert "holds no tokenizer.json" in capsys.readouterr().err
    (tmp_path / "tokenizer.json").write_text("[" * 100_000)
    assert execute(["check", str(tmp_path)]) == 3
