import re
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.treebanks import borders, paragraphs, scores
from tests.parity.cases_corpus_sentences import TEXTS
from tokpipe.corpus.config import SentenceConfig
from tokpipe.corpus.sentences import split_sentences
from tokpipe.foundation.arrays import Strings


def split(text, splitter="rule", **settings):
    lines = Strings.from_list(text.splitlines(keepends=True) if "\n" in text else [text])
    documents = np.array([0, len(lines)], np.int64)
    config = SentenceConfig(sentence_splitter=splitter)
    found = split_sentences(lines, documents, config, is_lines=True, **settings)
    return [sentence.decode() for sentence in found.texts.iter_bytes()]


def split_cells(cells, documents, **settings):
    texts = Strings.from_list(cells)
    found = split_sentences(
        texts, np.array(documents, np.int64), SentenceConfig(), is_lines=False, **settings
    )
    return [sentence.decode() for sentence in found.texts.iter_bytes()], found.documents.tolist()


ENDS = [  # | stands for the space at an end, ‖ for an end with none
    "It rained.|We stayed in.",
    "Did it rain?|It did!|We stayed in.",
    "Mr. Smith met Dr. J. R. Jones.|They spoke.",
    "See e.g. Fig. 3 or No. 4.|It shows i.e. the rest.",
    "He came at 3 p.m. Tuesday.|She came at 4 p.m.|They left.",
    "The U.S. Senate met.|He lives in the U.S.|The law changed.",
    "Pears, plums etc. are sold.|We bought pears, plums, etc.|The rest was left.",
    "So did he and I.|Nobody else came.",
    'He said "Go."|Then he left.',
    '"Really?" he asked.|"Yes!"|She nodded.',
    "(He stayed.)|She went.",
    "It cost 3.50 or 1,000.00.|That was in 1999.|Nobody paid.",
    "1. Boil the water.|2. Add the tea.",
    "Wait... what was that?|Nothing...|Go on.",
    "Well…|He left.",
    "Write to a.b@c.org or see www.a.org/x?y=1.|It helps.",
    "Nice work! :)|Thanks.",
    "Gone . . .|He left.",
    "we met there.|then we left.|it was late.",
    "We met approx. five times.",
    "Det kostar t.ex. 5 kr. i dag.|Han kom kl. 8.|Det var sent.",
    "Bl.a. Anna, d.v.s. hon, kom.|Sedan gick vi.",
    "Er kam am 3. Oktober.|Es war z.B. Montag.",
    "¿Quién es?|¡Nadie!|«Bien.»|Vale.",
    "He said so.‖It was odd.",
    "Is it?‖It is.|Good.",
    "— Право! — сказал он.|— Что?|— Ничего.",
    "Он ушёл.|Она, т.е. Анна, осталась.",
    "他来了。‖她走了！‖真的吗？‖是的。",
    "「行く。」と言った。‖雨だ。",
    "यह घर है।|वह आया।",
    "هل جاء؟|نعم جاء.|ثم ذهب۔|انتهى",
]


@pytest.mark.parametrize("marked", ENDS)
def test_rule_finds_the_ends(marked):
    assert split(marked.replace("|", " ").replace("‖", "")) == re.split("[|‖]", marked)


def test_hard_wrapped_lines_are_joined_and_meant_line_ends_kept():
    text = (
        "The long road\n\nIt had rained for a week when we came\nto the house by the road, and\n"
        "nobody there knew us. We stayed for\nthe night and left before the sun\nwas up.\n"
        "A new day\nWe walked on through the hills until\nwe saw the sea.\n"
    )
    assert split(text) == [
        "The long road",
        "It had rained for a week when we came to the house by the road, and nobody there knew us.",
        "We stayed for the night and left before the sun was up.",
        "A new day",
        "We walked on through the hills until we saw the sea.",
    ]


def test_paragraph_a_line_ends_a_heading_without_a_stop():
    text = "Stockholm\nStockholm is the capital of Sweden. It lies on islands\n"
    assert split(text) == ["Stockholm", "Stockholm is the capital of Sweden.", "It lies on islands"]


def test_items_of_a_list_are_sentences():
    text = "We need\n* two eggs and the rest of the butter\n* flour\n1. mix\n"
    assert split(text) == ["We need", "* two eggs and the rest of the butter", "* flour", "1. mix"]


def test_line_and_none_are_what_they_say():
    text = "One. Two.\n  \n three\nfour. \n"
    assert split(text, "line") == ["One. Two.", "three", "four."]
    assert split(text, "none") == ["One. Two. three four."]
    assert split(text, "none", leading_space=True) == ["One. Two. three four."]


def test_leading_space_comes_before_all_sentences_but_the_first_of_a_document():
    cells, documents = split_cells(
        ["A b. C d.", "", "E f.\n\nG h"], [0, 1, 2, 3], leading_space=True
    )
    assert cells == ["A b.", " C d.", "E f.", " G h"]
    assert documents == [0, 2, 2, 4]


def test_cells_of_one_document_are_not_joined():
    assert split_cells(["so it", "goes on"], [0, 2]) == (["so it", "goes on"], [0, 2])


def test_nothing_comes_of_nothing():
    assert split("") == []
    assert split(" \n\t\n \u3000") == []


@pytest.mark.parametrize(
    ("treebank", "least"),
    [("ud-ewt/en_ewt-ud-dev", (0.97, 0.81)), ("ud-swedish/sv_talbanken-ud-dev", (0.97, 0.97))],
)
def test_borders_of_treebanks_are_found(shared_data, treebank, least):
    found = paragraphs(shared_data / f"tasks/{treebank}.conllu.xz")
    cells = ["".join(sentences).strip() for sentences in found]
    sentences, documents = split_cells(cells, range(len(cells) + 1))
    ours = [borders(sentences[a:b]) for a, b in pairwise(documents)]
    precision, recall, _ = scores(ours, [borders(sentences) for sentences in found])
    assert precision > least[0] and recall > least[1]


def without_space(text):
    return "".join(c for c in text if not c.isspace() or "\x1c" <= c <= "\x1f")


@given(TEXTS.map(bytes.decode), st.sampled_from(["rule", "line", "none"]), st.booleans())
def test_nothing_but_white_space_is_lost_or_changed(text, splitter, leading_space):
    sentences = split_cells([text], [0, 1], leading_space=leading_space)[0]
    assert without_space("".join(sentences)) == without_space(text)
    assert all(without_space(sentence) for sentence in sentences)
    assert not any("\n" in sentence for sentence in sentences)


@given(st.lists(TEXTS, max_size=5))
def test_a_document_does_not_see_its_neighbours(cells):
    together, borders = split_cells(cells, range(len(cells) + 1))
    alone = [split_cells([cell], [0, 1])[0] for cell in cells]
    assert [together[a:b] for a, b in pairwise(borders)] == alone


@pytest.mark.parametrize(
    "piece",
    [
        *(".", "a.", ". ", "a. ", ".\n", "a\n", "A\nA", " ", "\n \n", "(", ". (", ". : ", "。"),
        *(
            "。と",
            "é. ",
            "1. ",
            '."',
            ". )",
            "\u00a0",
            "\u00a0\n",
            "क",
            "a" * 99 + "\n",
            "I. ",
            "…",
        ),
    ],
)
def test_no_text_takes_more_than_linear_time(piece):
    text = piece * (2_000_000 // len(piece.encode()))
    split_cells([piece], [0, 1])
    start = time.perf_counter()
    split_cells([text], [0, 1])
    assert time.perf_counter() - start < 10  # quadratic would be hours
