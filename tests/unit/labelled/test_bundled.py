import csv

from tokpipe.labelled.bundled import letters_and_diaries, write_letters_and_diaries


def test_half_of_the_sentences_are_of_letters_and_none_is_in_both_parts():
    train, test = letters_and_diaries()
    for part, each in ((train, 60), (test, 200)):
        assert [row.label for row in part] == ["diary"] * each + ["letter"] * each
        assert len({row.text for row in part}) == len(part)
    assert not {row.text for row in train} & {row.text for row in test}


def test_the_files_hold_them_with_a_header(tmp_path):
    train, _ = write_letters_and_diaries(tmp_path / "kinds")
    with train.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["text", "label"]
    assert rows == [list(row) for row in letters_and_diaries()[0]]
