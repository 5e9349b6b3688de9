import numpy as np
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.naming import require_alike, with_names
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.tagged import read_tagged
from tokpipe.labelled.texts import read_texts


def texts(folder, name, rows, kind="class", **columns):
    path = folder / f"{name}.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{row[0]}\t{row[2:]}\n" for row in rows))
    return read_texts(path, TextColumns(**columns), kind)


def tagged(folder, name, content):
    path = folder / f"{name}.conll"
    path.write_text(content)
    return read_tagged(path)


def test_labels_get_the_numbers_that_they_have_in_the_names(tmp_path):
    train = texts(tmp_path, "train", ["a c", "b a", "c b"])
    test = texts(tmp_path, "test", ["d c", "e b"])
    assert test.labels.tolist() == [1, 0]
    named = with_names(test, train.names)
    assert named.names == ("a", "b", "c")
    assert named.labels.tolist() == [2, 1]
    assert with_names(train, train.names) is train


def test_a_label_that_is_none_of_the_names_is_told_with_file_and_line(tmp_path):
    test = texts(tmp_path, "test", ["d x", "e z", "f z"])
    with pytest.raises(InputError, match=r"test\.tsv:3: the label 'z' is none of the 2\nKnown: 'x"):
        with_names(test, ("x", "y"))


def test_several_labels_are_put_into_one_order(tmp_path):
    test = texts(tmp_path, "test", ["c z,x"], "several", separator=",")
    assert with_names(test, ("x", "y", "z")).labels.tolist() == [[1, 0, 1]]
    other = texts(tmp_path, "other", ["a x", "c w,x"], "several", separator=",")
    with pytest.raises(InputError, match=r"other\.tsv:3: the label 'w' is none of the 3"):
        with_names(other, ("x", "y", "z"))


def test_entities_have_both_tags_of_every_kind_whichever_the_file_has(tmp_path):
    train = tagged(tmp_path, "train", "a B-X\nb O\n")
    assert train.names == ("O", "B-X", "I-X")
    test = tagged(tmp_path, "test", "a B-X\nb I-X\nc O\n")
    assert with_names(test, train.names).tags.tolist() == [1, 2, 0]
    other = tagged(tmp_path, "other", "a O\n\nb B-Y\n")
    with pytest.raises(InputError, match=r"other\.conll:3: the label 'B-Y' is none of the 3"):
        with_names(other, train.names)
    none = tagged(tmp_path, "none", "a O\n")
    assert with_names(none, ("B-Z", "O")).tags.tolist() == [1]


def test_words_without_a_tag_stay_so(tmp_path):
    row = "{}\tw\tw\t{}\t_\t_\t0\troot\t_\t_\n"
    (tmp_path / "a.conllu").write_text(row.format(1, "NOUN") + row.format(2, "_"))
    data = with_names(read_tagged(tmp_path / "a.conllu"), ("ADJ", "NOUN"))
    assert data.tags.tolist() == [1, -1]


def test_numbers_and_questions_have_no_names(tmp_path):
    numbers = texts(tmp_path, "a", ["a 1.5"], "number")
    none = texts(tmp_path, "a", ["a 1.5"], "none")
    (tmp_path / "q.json").write_text(
        '{"data": [{"paragraphs": [{"context": "c", "qas": '
        '[{"id": "1", "question": "q", "answers": []}]}]}]}'
    )
    for data in (numbers, read_questions(tmp_path / "q.json")):
        assert with_names(data, ("a", "b")) is data
    assert np.all(with_names(none, ("a", "b")).labels == -1)


def test_pairs_and_single_texts_are_no_parts_of_one_whole(tmp_path):
    train = texts(tmp_path, "train", ["a x"])
    (tmp_path / "test.tsv").write_text("sentence1\tsentence2\tlabel\na\tb\tx\n")
    test = read_texts(tmp_path / "test.tsv")
    with pytest.raises(InputError, match=r"train\.tsv has single texts, but .*test\.tsv has pairs"):
        require_alike({"train": train, "test": test})
    require_alike({"train": train, "test": train})
