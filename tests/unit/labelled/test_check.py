import json
from itertools import count

import numpy as np
import pytest

from tokpipe.labelled.check import Lengths, brief, check_labelled
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.splits import take_rows
from tokpipe.labelled.tagged import read_tagged
from tokpipe.labelled.texts import read_texts


def texts(folder, kind="class", columns=None, **parts):
    found = {}
    for name, rows in parts.items():
        path = folder / f"{name}.tsv"
        path.write_text("text\tlabel\n" + "".join(f"{row}\n" for row in rows))
        found[name] = read_texts(path, columns or TextColumns(), kind)
    return found


def tagged(folder, **parts):
    found = {}
    for name, content in parts.items():
        (folder / f"{name}.conll").write_text(content)
        found[name] = read_tagged(folder / f"{name}.conll")
    return found


def questions(folder, **parts):
    found = {}
    for name, paragraphs in parts.items():
        number = count()
        items = [
            {
                "context": context,
                "qas": [
                    {"id": f"{name}{next(number)}", "question": question, "answers": []}
                    for question in asked
                ],
            }
            for context, asked in paragraphs
        ]
        (folder / f"{name}.json").write_text(json.dumps({"data": [{"paragraphs": items}]}))
        found[name] = read_questions(folder / f"{name}.json")
    return found


def found_in(folder, parts, lengths=None):
    findings = check_labelled(parts, lengths)
    return [
        (each.level, f"{each.place}: {each.problem}".replace(f"{folder}/", "")) for each in findings
    ]


def test_sound_data_has_no_findings(tmp_path):
    assert (
        found_in(
            tmp_path, texts(tmp_path, train=["a\tx", "b\ty", "e\tx", "f\ty"], test=["c\tx", "d\ty"])
        )
        == []
    )
    sound = tagged(tmp_path, train="a B-X\nb I-X\nc O\nd B-X\n", test="d B-X\ne O\n")
    assert found_in(tmp_path, sound) == []
    assert found_in(tmp_path, questions(tmp_path, train=[("c", ["a", "b"])])) == []


def test_a_label_of_another_part_alone_is_an_error_at_its_first_row(tmp_path):
    parts = texts(tmp_path, train=["a\tx", "b\ty"], test=["c\tx", "d\tz", "e\tz"])
    assert found_in(tmp_path, parts) == [
        ("error", "test.tsv:3: the label 'z' is in no row of train.tsv"),
        ("note", "test.tsv: no row has the label 'y'"),
        ("note", "train.tsv: a single row has the label 'x', 'y'"),
    ]


def test_kinds_of_entities_of_another_part_alone_are_errors(tmp_path):
    parts = tagged(tmp_path, train="a B-X\nb O\nc B-X\n", test="d B-X\n\ne O\nf B-Y\n")
    assert found_in(tmp_path, parts) == [
        ("error", "test.conll:4: the label 'Y' is in no row of train.conll")
    ]


def test_labels_of_several_are_found_in_their_rows(tmp_path):
    columns = TextColumns(separator=",")
    rows = {"train": ["a\tx,y", "b\t", "c\tx,y"], "test": ["d\tx", "e\ty,z"]}
    assert found_in(tmp_path, texts(tmp_path, "several", columns, **rows)) == [
        ("note", "train.tsv: 1 text without any label"),
        ("error", "test.tsv:3: the label 'z' is in no row of train.tsv"),
    ]


def test_tags_that_differ_in_case_alone_are_told(tmp_path):
    (tmp_path / "a.conll").write_text("Bonn\tB-LOC\n\nRom\tB-Loc\n\nya\tO\n")
    assert found_in(tmp_path, {"train": read_tagged(tmp_path / "a.conll")}) == [
        ("warning", f"a.conll: {ALIKE}: 'B-LOC', 'B-Loc'".replace("labels", "tags")),
    ]


def test_tags_that_teach_nothing_are_told(tmp_path):
    (tmp_path / "a.conll").write_text("Bonn\tO\n\nya\tO\n")
    assert found_in(tmp_path, {"train": read_tagged(tmp_path / "a.conll")}) == [
        ("warning", "a.conll: every word has the tag 'O'"),
    ]


@pytest.mark.parametrize(
    "text", ["\u200b", "\ufe0f", "\u200b \ufe0f", "\u00ad", "\u0301", "\ue000"]
)
def test_texts_of_nothing_to_see_are_empty(tmp_path, text):
    parts = texts(tmp_path, train=["a\tx", f"{text}\ty", f"{text}b\tx"])
    assert found_in(tmp_path, parts) == [
        ("warning", "train.tsv:3: 1 empty text; this is the first"),
    ]


def test_empty_texts_are_counted_and_the_first_is_named(tmp_path):
    parts = texts(tmp_path, train=["a\tx", "\ty", " \u00a0\tx", "b\ty"])
    assert found_in(tmp_path, parts) == [
        ("warning", "train.tsv:3: 2 empty texts; this is the first"),
    ]
    asked = questions(tmp_path, train=[("c", ["a", ""]), (" ", ["b"])])
    assert found_in(tmp_path, asked) == [
        ("warning", "train.json: question 'train2': 1 empty paragraph; this is the first"),
        ("warning", "train.json: question 'train1': 1 empty question; this is the first"),
    ]


def test_repeated_texts_are_noted(tmp_path):
    parts = texts(tmp_path, train=["a\tx", "b\ty", "a\tx", "a\tx"])
    assert found_in(tmp_path, parts) == [
        ("note", "train.tsv:4: 2 texts that came before in the same part")
    ]


def test_one_text_with_two_labels_is_told_with_both_places(tmp_path):
    parts = texts(tmp_path, train=["a\tx", "b\ty", "b\tx", "c\tx"], test=["d\tx", "a\ty"])
    assert found_in(tmp_path, parts)[2:] == [
        (
            "warning",
            "test.tsv:3: 2 texts have more than one label; the first is also at train.tsv:2",
        ),
        (
            "warning",
            "test.tsv:3: 1 text is in the train part, too (50 %); the first at train.tsv:2",
        ),
    ]


def test_pairs_are_the_same_only_if_both_texts_are(tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text("sentence1\tsentence2\tlabel\na\tb\tx\nb\ta\ty\na\ta\ty\na\tb\ty\n")
    assert found_in(tmp_path, {"train": read_texts(path)}) == [
        ("note", "train.tsv:5: 1 pair that came before in the same part"),
        (
            "warning",
            "train.tsv:5: 1 pair has more than one label; the first is also at train.tsv:2",
        ),
    ]


def test_sentences_are_the_same_only_if_all_words_are(tmp_path):
    train = "ab O\nc B-X\n\na O\nbc O\n\nab O\nc B-X\n\nab O\nc O\n"
    parts = tagged(tmp_path, train=train, test="a O\n\na O\nbc O\n\nd B-X\n")
    assert found_in(tmp_path, parts) == [
        ("note", "train.conll:7: 2 sentences that came before in the same part"),
        (
            "warning",
            "train.conll:10: 1 sentence has other tags elsewhere; "
            "the first is also at train.conll:1",
        ),
        (
            "warning",
            "test.conll:3: 1 sentence is in the train part, too (33.3 %); "
            "the first at train.conll:4",
        ),
    ]


def test_questions_are_the_same_only_on_the_same_paragraph(tmp_path):
    parts = questions(tmp_path, train=[("c", ["a", "b"]), ("d", ["a"])], test=[("d", ["b", "a"])])
    assert found_in(tmp_path, parts) == [
        (
            "warning",
            "test.json: question 'test1': 1 question is in the train part, too (50 %); "
            "the first at train.json: question 'train2'",
        )
    ]


def test_words_without_a_tag_are_told(tmp_path):
    row = "{}\tw\tw\t{}\t_\t_\t0\t_\t_\t_\n"
    rows = [row.format(i, tag) for i, tag in enumerate(["X", "_", "Y", "_"], 1)]
    (tmp_path / "a.conllu").write_text("".join(rows))
    found = found_in(tmp_path, {"train": read_tagged(tmp_path / "a.conllu")})
    assert found == [("warning", "a.conllu:2: 2 words without a tag; this is the first")]


def test_tags_that_contradict_their_scheme_are_counted(tmp_path):
    parts = tagged(tmp_path, train="a B-X\nb I-X\nc O\nd I-X\n\ne B-X\nf I-Y\n")
    assert found_in(tmp_path, parts) == [
        (
            "warning",
            "train.conll:4: 2 tags contradict the scheme IOB2; the first is an I that goes on "
            "nothing",
        )
    ]


@pytest.mark.parametrize(
    ("tags", "place", "problem"),
    [
        (
            "B-X O S-Y",
            1,
            "1 tag contradicts the scheme IOBES; the first goes on nothing, or has no",
        ),
        ("S-Y E-Y B-X I-X", 2, "2 tags contradict the scheme IOBES; the first goes on nothing"),
        ("I-X O I-X B-X O B-X", 6, "1 tag contradicts the scheme IOB1; the first is a B behind"),
    ],
)
def test_tags_contradict_the_scheme_that_the_file_has(tmp_path, tags, place, problem):
    parts = tagged(tmp_path, train="\n".join(f"{i} {tag}" for i, tag in enumerate(tags.split())))
    found = [text for level, text in found_in(tmp_path, parts) if level == "warning"]
    assert len(found) == 1 and found[0].startswith(f"train.conll:{place}: {problem}")
    kept = take_rows(parts["train"], np.array([0]))
    assert kept.wrong.sum() == int(problem.split()[0])


def test_the_scheme_is_noted_where_it_is_converted(tmp_path):
    parts = tagged(tmp_path, train="a I-X\nb I-X\nc O\nd I-X\n")
    assert found_in(tmp_path, parts) == [
        ("note", "train.conll: tags are written in IOB1, and read as IOB2")
    ]


ALIKE = "labels that differ in case, white space or the code points of a character alone"
TWICE = ["c\tno", "d\tno", "e\tno", "f\tno"]


@pytest.mark.parametrize(
    ("kind", "rows", "problem"),
    [
        ("class", ["a\tx", "b\tx"], "every text has the label 'x'"),
        ("class", ["a\tx", "b\ty", "c\tz"], "3 labels for 3 texts"),
        (
            "class",
            ["a\tPos", "b\tpos ", "c\tneg", "d\tPos", "e\tneg", "f\tneg"],
            f"{ALIKE}: 'Pos', 'pos '",
        ),
        ("class", ["a\tcaf\u00e9", "b\tcafe\u0301", *TWICE], f"{ALIKE}: 'cafe\u0301', 'caf\u00e9'"),
        ("class", ["a\tﬁn", "b\tfin", *TWICE], f"{ALIKE}: 'fin', 'ﬁn'"),
        ("class", ["a\tx\u200by", "b\txy", *TWICE], ALIKE + r": 'xy', 'x\\u200by'"),
        ("class", ["a\tx  y", "b\tx y", *TWICE], f"{ALIKE}: 'x  y', 'x y'"),
        ("several", ["a\tx", "b\tX"], f"{ALIKE}: 'X', 'x'"),
        ("number", ["a\t2", "b\t2.0"], "every number is 2"),
        ("several", ["a\tx", "b\tx"], "every text has the label 'x'"),
        ("several", ["a\t", "b\t"], "no text has a label"),
        (
            "class",
            ["a\t01", "b\t1", "g\t1.0", *TWICE, "h\tno"],
            "labels that differ in how a number is written alone: '01', '1', '1.0'",
        ),
    ],
)
def test_labels_that_teach_nothing_are_told(tmp_path, kind, rows, problem):
    found = found_in(tmp_path, texts(tmp_path, kind, train=rows))
    assert found == [("warning", f"train.tsv: {problem}")]


def test_numbers_that_no_model_can_say_and_ids_of_several_texts_are_told(tmp_path):
    found = found_in(tmp_path, texts(tmp_path, "number", train=["a\t2", "b\t-1e39"]))
    assert ("error", "train.tsv:3: the most that a model can say is 3.40282e+38") in found
    parts = texts(tmp_path, columns=TextColumns(id="label"), train=["a\tx", "b\ty", "c\tx"])
    assert found_in(tmp_path, parts) == [
        ("warning", "train.tsv:4: 1 id that another text has, too")
    ]


def test_numbers_are_summed_up(tmp_path):
    found = found_in(tmp_path, texts(tmp_path, "number", train=["a\t2", "b\t-0.5", "c\t1"]))
    assert found == [("note", "train.tsv: numbers from -0.5 to 2, median 1")]
    found = found_in(tmp_path, texts(tmp_path, "number", train=["a\t1.7e308", "b\t1.6e308"]))
    assert found[0] == ("note", "train.tsv: numbers from 1.6e+308 to 1.7e+308, median 1.65e+308")


def test_what_was_left_out_is_noted(tmp_path):
    (tmp_path / "a.tsv").write_text("sentence1\tsentence2\tgold_label\na\tb\t-\nc\td\tx\ne\tf\ty\n")
    found = found_in(tmp_path, {"train": read_texts(tmp_path / "a.tsv")})
    assert found == [
        ("note", "a.tsv: 1 left out: gold label -"),
    ]


def test_texts_longer_than_the_model_takes_are_told_with_what_becomes_of_them(tmp_path):
    parts = texts(tmp_path, train=["a\tx", "b\ty", "c\tx"])
    lengths = Lengths({"train": np.array([128, 129, 3000])}, 128, "windows, none is dropped")
    assert found_in(tmp_path, parts, lengths) == [
        (
            "note",
            "train.tsv:4: 2 texts are longer than 128 tokens (66.7 %), the longest 3,000: "
            "windows, none is dropped",
        )
    ]


def test_the_short_form_has_a_line_a_part_and_the_problems(tmp_path):
    parts = texts(tmp_path, train=["a\tx", "b\ty", "a\tx", "c\tx"], test=["a\tx", "d\ty"])
    path = tmp_path / "train.tsv"
    assert brief(parts, check_labelled(parts)) == [
        "train: 4 texts: x 75 %, y 25 %",
        "test: 2 texts: x 50 %, y 50 %",
        f"warning: {tmp_path}/test.tsv:2: 1 text is in the train part, too (50 %); "
        f"the first at {path}:2",
    ]
    numbers = texts(tmp_path, "number", train=["a\t1", "b\t2"])
    assert brief(numbers, check_labelled(numbers)) == ["train: 2 texts"]
    several = texts(tmp_path, "several", TextColumns(separator=","), train=["a\tx,y", "b\tx"])
    assert brief(several, check_labelled(several)) == ["train: 2 texts: x 100 %, y 50 %"]


def test_a_label_that_only_the_held_out_rows_of_a_file_have_is_a_warning(tmp_path):
    whole = texts(tmp_path, "several", train=["a\tx", "b\ty", "c\tx", "d\t"])["train"]
    parts = {"train": take_rows(whole, [0, 2, 3]), "validation": take_rows(whole, [0, 1])}
    found = found_in(tmp_path, parts)
    problem = "train.tsv:3: the label 'y' is in no row of the rest of train.tsv"
    assert ("warning", problem) in found and "error" not in dict(found)


def test_what_is_so_in_a_part_of_a_file_is_said_of_the_part(tmp_path):
    whole = texts(tmp_path, train=["a\tX", "b\tx", "c\tX", "d\tx", "e\tx"])["train"]
    part = take_rows(whole, np.array([1, 3]))
    assert found_in(tmp_path, {"train": whole, "validation": part})[:2] == [
        ("warning", f"train.tsv, the train part: {ALIKE}: 'X', 'x'"),
        ("warning", "train.tsv, the validation part: every text has the label 'x'"),
    ]
    both = found_in(tmp_path, {"train": whole, "validation": whole})
    assert both.count(("warning", f"train.tsv: {ALIKE}: 'X', 'x'")) == 2


def test_ids_that_two_questions_have_are_told(tmp_path):
    questions(tmp_path, train=[("c", ["a"]), ("d", ["b", "e"])])
    path = tmp_path / "train.json"
    path.write_text(path.read_text().replace("train2", "train0"))
    assert found_in(tmp_path, {"train": read_questions(path)}) == [
        ("warning", "train.json: question 'train0': 1 id that another question has, too")
    ]
