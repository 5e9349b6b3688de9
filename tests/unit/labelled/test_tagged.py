import lzma

import numpy as np
import pytest

from tests.unit.labelled.files import strings, write
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.config import TagColumns
from tokpipe.labelled.tagged import read_tagged, require_entities


def read(folder, name, content, names=None, **columns):
    return read_tagged(write(folder, name, content), TagColumns(**columns), names)


def pairs(data):
    tags = [data.names[tag] if tag >= 0 else None for tag in data.tags]
    both = list(zip(strings(data.words), tags, strict=True))
    return [both[a:b] for a, b in zip(data.borders, data.borders[1:], strict=False)]


CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
# # B-NP O

Help VB B-VP O
"""


def test_columns_between_spaces_are_those_of_conll_2003(tmp_path):
    data = read(tmp_path, "eng.testa", CONLL_2003)
    assert pairs(data) == [[("EU", "B-ORG"), ("rejects", "O"), ("#", "O")], [("Help", "O")]]
    assert data.scheme == "IOB2"
    assert data.lines.tolist() == [3, 4, 5, 7]
    assert data.left_out == {"-DOCSTART-": 1}
    assert data.names == ("O", "B-ORG", "I-ORG")


def test_other_columns_are_taken_by_number_from_either_end(tmp_path):
    data = read(tmp_path, "eng.testa", CONLL_2003, tag="2")
    assert pairs(data)[0] == [("EU", "NNP"), ("rejects", "VBZ"), ("#", "#")]
    assert data.scheme == "none"
    data = read(tmp_path, "eng.testa", CONLL_2003, word="2", tag="-2")
    assert pairs(data)[1] == [("VB", "B-VP")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("between", ["\t", " ", "  ", "\t\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_marks_and_spaces_do_not_matter(tmp_path, end, between, mark):
    if between == "\t\t":
        between = " \t"
    lines = [f"It{between}O", f"Rome{between}B-LOC", "", "", f"on{between}O"]
    data = read(tmp_path, "a.conll", mark + end.join(lines))
    assert [len(sentence) for sentence in pairs(data)] == [2, 1]
    assert data.lines.tolist() == [1, 2, 5]


def test_a_blank_line_may_hold_white_space(tmp_path):
    assert len(read(tmp_path, "a.conll", "a\tO\n\t\nb\tO\n  \nc\tO\n \t \n")) == 3


def test_tokens_that_are_spaces_or_begin_with_a_hash_are_words(tmp_path):
    content = "\u00a0\tO\n \tO\n#\tO\n#tag\tO\n\u2028\tO\na b\tB-X\n"
    data = read(tmp_path, "a.conll", content)
    assert strings(data.words) == ["\u00a0", " ", "#", "#tag", "\u2028", "a b"]
    assert len(data) == 1


@pytest.mark.parametrize("between", ["\t", " "])
def test_comments_are_only_what_stands_in_front_of_a_sentence(tmp_path, between):
    words = [f"#{between}O", f"a{between}O", "", "# id 2 of 3", "# text", f"b{between}O"]
    if between == " ":
        words[4] = "# text = b c"
    data = read(tmp_path, "a.conll", "\n".join(["# a long comment", *words]))
    assert strings(data.words) == ["#", "a", "b"]
    assert data.left_out == {"comments": 3}
    with pytest.raises(InputError, match=r"a\.conll:2: \d fields?, line 1 has 2"):
        read(tmp_path, "a.conll", f"a{between}O\n# not a comment\n")


@pytest.mark.parametrize(
    ("lines", "words", "comments"),
    [
        ("# one | # two | a O", "a", 2),
        ("# O | a O", "# a", 0),
        ("a O | # one", "a #", 0),
        ("a O | | # one | # O | b O", "a # b", 1),
        ("a SYM | | # SYM | b NOUN", "a # b", 0),
        ("#one two | a O", "#one a", 0),
        ("# # | a NN", "# a", 0),
        ("#\tSYM | a\tNN", "# a", 0),
        ("#\thttp://a.se [2009] | a\tNN", "a", 1),
        ("# O | # O", "# #", 0),
    ],
)
def test_of_two_columns_a_hash_with_a_tag_of_its_own_is_a_comment(tmp_path, lines, words, comments):
    content = "\n".join(line.strip() for line in lines.split("|"))
    data = read(tmp_path, "a.conll", content)
    assert strings(data.words) == words.split()
    assert data.left_out.get("comments", 0) == comments


@pytest.mark.parametrize(
    ("tags", "scheme", "converted"),
    [
        ("O I-X I-X B-X I-Y O", "IOB1", "O B-X I-X B-X B-Y O"),
        ("O B-X I-X B-X B-Y O", "IOB2", "O B-X I-X B-X B-Y O"),
        ("O B-X E-X S-X S-Y O", "IOBES", "O B-X I-X B-X B-Y O"),
    ],
)
def test_the_scheme_is_told_and_converted(tmp_path, tags, scheme, converted):
    content = "".join(f"w {tag}\n" for tag in tags.split())
    data = read(tmp_path, "a.txt", content)
    assert data.scheme == scheme
    assert [tag for _, tag in pairs(data)[0]] == converted.split()
    as_they_are = read(tmp_path, "a.txt", content, scheme="none")
    assert [tag for _, tag in pairs(as_they_are)[0]] == tags.split()


def test_names_that_are_given_number_the_tags(tmp_path):
    data = read(tmp_path, "a.conll", "a O\nb B-X\n", names=("B-Y", "O", "I-X", "B-X"))
    assert data.tags.tolist() == [1, 3]
    with pytest.raises(InputError, match=r"a\.conll:2: the label 'B-X' is none of the 1"):
        read(tmp_path, "a.conll", "a O\nb B-X\n", names=("O",))


UD = """# sent_id = 1
# text = Don't go\u00a0on
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\tMood=Imp\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\tPolarity=Neg\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\tMood=Imp|VerbForm=Fin\t0\troot\t_\tSpaceAfter=No
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t3:conj\t_
4\t#\t#\t_\t_\t_\t3\tobj\t_\t_

1\tt ex\ttill_exempel\tADV\tAB\tAbbr=Yes\t0\troot\t_\t_

"""


def test_words_of_conllu_are_its_syntactic_words(tmp_path):
    data = read(tmp_path, "a.conllu.xz", lzma.compress(UD.encode()))
    first = [("Do", "AUX"), ("n't", "PART"), ("go", "VERB"), ("#", None)]
    assert pairs(data) == [first, [("t ex", "ADV")]]
    assert data.left_out == {"multi-word ranges": 1, "empty nodes": 1}
    assert data.lines.tolist() == [4, 5, 6, 8, 10]
    assert data.scheme == "none"
    assert data.tags.dtype == np.int32


@pytest.mark.parametrize(
    ("tag", "tags"),
    [
        ("xpos", ["VB", "RB", "VB", None, "AB"]),
        ("5", ["VB", "RB", "VB", None, "AB"]),
        ("deprel", ["aux", "advmod", "root", "obj", "root"]),
        ("Mood", ["Imp", "_", "Imp", "_", "_"]),
        ("VerbForm", ["_", "_", "Fin", "_", "_"]),
    ],
)
def test_other_columns_and_features_of_conllu_are_tags(tmp_path, tag, tags):
    data = read(tmp_path, "a.txt", UD, tag=tag)  # known by its ten columns
    assert [tag for sentence in pairs(data) for _, tag in sentence] == tags


def test_lemmas_may_be_the_words(tmp_path):
    assert strings(read(tmp_path, "a.conllu", UD, word="lemma").words)[:2] == ["do", "not"]


MANY = "w O\n" * 10_001
BAD = {
    "ragged": ("a O\nb c O\n", {}, r"a\.conll:2: 3 fields, line 1 has 2\nFields stand between sp"),
    "ragged with tabs": ("a\tO\nb\n", {}, r"a\.conll:2: 1 field, line 1 has 2"),
    "one column": ("a\nb\n", {}, r"a\.conll:1: one column; a word and its tag are needed"),
    "no blank line": (MANY, {}, r"a\.conll:1: 10,001 words without a blank line\nA blank line"),
    "not UTF-8": (b"a O\nb\xff O\n", {}, r"a\.conll:2: byte 0xFF at offset 5"),
    "UTF-16": ("a O\n".encode("utf-16-le") * 9, {}, "the text is UTF-16-LE"),
    "NUL": (b"a O\n\nb\0 O\n", {}, r"a\.conll:3: a NUL byte"),
    "binary": (bytes(range(256)) * 9, {}, r"a\.conll:\d+: "),
    "empty": ("", {}, "the file is empty"),
    "only a mark": ("\ufeff", {}, "the file is empty"),
    "only white space": ("\n \n", {}, "the file is empty"),
    "only documents": ("-DOCSTART- O\n\n", {}, "no words"),
    "empty tag": ("a\tO\nb\t\n", {}, r"a\.conll:2: the tag is empty"),
    "blank tag": ("a\tO\nb\t\u00a0 \n", {}, r"a\.conll:2: the tag is empty"),
    "only CR": ("a O\rb O\r", {}, r"a\.conll:1: the tag 'O\\r' holds a control char.*\nLines end"),
    "CR twice": ("a\tO\r\r\n", {}, r"a\.conll:1: the tag 'O\\r' holds a control character"),
    "ESC": ("a\tO\nb\tB-\x1b[31mX\n", {}, r"a\.conll:2: the tag 'B-\\x1b\[31mX' holds a contr"),
    "empty word": ("a\tO\n\tO\n", {}, r"a\.conll:2: the word is empty"),
    "no such column": ("a O\n", {"tag": "3"}, r"no column '3': the file has 2\nPass a number to"),
    "column 0": ("a O\n", {"word": "0"}, r"no column '0': the file has 2\n.*--word-column"),
    "a name": ("a O\n", {"tag": "upos"}, r"no column 'upos': the file has 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_one_error_with_its_place(tmp_path, case):
    content, columns, problem = BAD[case]
    with pytest.raises(InputError, match=problem):
        read(tmp_path, "a.conll", content, **columns)


ROW = "1\ta\ta\tX\tY\t_\t0\troot\t_\t_\n"
BAD_UD = {
    "ragged": (ROW + "2\tb\n", {}, r"a\.conllu:2: 2 fields, CoNLL-U has 10"),
    "no id": (ROW + ROW.replace("1", "x", 1), {}, r"a\.conllu:2: 'x' is no id; 1, 1-2 and 1\.1"),
    "id 0": (ROW.replace("1", "0", 1), {}, r"a\.conllu:1: '0' is no id"),
    "only a range": (ROW.replace("1", "1-2", 1), {}, "no words"),
    "no column": (ROW, {"tag": "up os"}, r"no column 'up os' in CoNLL-U\nPass --tag-column: form"),
    "no feature": (ROW, {"tag": "Number"}, "no word has the feature 'Number'\nNo word has a feat"),
    "other feature": (UD, {"tag": "Case"}, "feature 'Case'\nThere are: Abbr, Mood, Polarity"),
    "feature as word": (UD, {"word": "Mood"}, "column 'Mood' is a feature, and holds no words"),
    "ids twice": (UD + ROW + ROW, {}, r"a\.conllu:13: id 1 behind id 1\nA blank line ends a"),
    "ids that fall": (UD.replace("\n4\t", "\n2\t"), {}, r"a\.conllu:8: id 2 behind id 3\n"),
    "no blank line": (ROW * 10_001, {}, r"a\.conllu:1: 10,001 words without a blank line"),
}


@pytest.mark.parametrize("case", BAD_UD)
def test_what_is_no_conllu_is_one_error_with_its_place(tmp_path, case):
    content, columns, problem = BAD_UD[case]
    with pytest.raises(InputError, match=problem):
        read(tmp_path, "a.conllu", content, **columns)


@pytest.mark.parametrize(
    "content",
    [
        "EU\nrejects\n\nHelp\n",
        "EU\tNN\nrejects\t\n\nHelp\tX\n",
        "EU a B\nrejects a O\n\nHelp a O\n",
    ],
)
def test_words_alone_will_do_where_no_tags_are_wanted(tmp_path, content):
    data = read_tagged(write(tmp_path, "a.conll", content), tagged=False)
    assert pairs(data) == [[("EU", None), ("rejects", None)], [("Help", None)]]
    assert data.names == () and data.scheme == "none"


def test_a_folder_or_table_is_no_file_of_words(tmp_path):
    with pytest.raises(InputError, match="is a folder; one file is needed"):
        read_tagged(tmp_path)
    write(tmp_path, "a.parquet", b"PAR1\x15 and more")
    with pytest.raises(InputError, match="is a table of parquet; a text file is needed"):
        read_tagged(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a O\nb NOUN\n", r"a\.conll:2: tags like 'NOUN' do not say where entities are"),
        ("a B-X\nb I-X\nc b-x\n", r"a\.conll:3: tags like 'b-x' do not"),
    ],
)
@pytest.mark.parametrize("scheme", ["auto", "IOB1", "IOB2", "IOBES"])
def test_tags_of_no_scheme_are_refused_where_entities_are_wanted(
    tmp_path, content, problem, scheme
):
    with pytest.raises(InputError, match=problem):
        require_entities(read(tmp_path, "a.conll", content, scheme=scheme))


@pytest.mark.parametrize("content", ["a O\nb B-X\n", "a B-X\nb I-X\n", "a S\nb B\nc E\n"])
def test_entities_need_no_word_outside_of_them_but_a_scheme(tmp_path, content):
    require_entities(read(tmp_path, "a.conll", content))
    with pytest.raises(InputError, match=r"a\.conll:1: tags like '.*' are read as of no scheme"):
        require_entities(read(tmp_path, "a.conll", content, scheme="none"))


def test_entities_may_stand_in_any_column_of_conllu(tmp_path):
    rows = [f"{i}\tw\tw\tX\t_\t_\t0\t_\t_\t{tag}" for i, tag in enumerate(["B-X", "E-X"], 1)]
    data = read(tmp_path, "a.conllu", "\n".join(rows), tag="10")
    assert data.scheme == "IOBES" and pairs(data) == [[("w", "B-X"), ("w", "I-X")]]
