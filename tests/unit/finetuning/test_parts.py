import pytest

from tokpipe.finetuning.registry import task_of


@pytest.mark.parametrize(("task", "names"), [("ner", ("B-A", "I-A", "O")), ("pos", ("I-A", "O"))])
def test_tags_are_converted_only_where_they_mark_entities(tmp_path, task, names):
    path = tmp_path / "train.conll"
    path.write_text("a\tI-A\nb\tI-A\nc\tO\n")
    assert set(task_of(task).read(path, None, None).names) <= set(names)
    assert task_of(task).read(path, None, None).scheme == ("IOB1" if task == "ner" else "none")
