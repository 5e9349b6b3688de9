"""The changes of the README's "How to change what", each tried with a toy, in memory.

What a toy puts into a table here stands there as a line of code when the change is meant to stay.
"""

import json
import re
import shutil
import sys
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
import pytest

from tests import readme
from tests.unit.bert import test_gradients
from tests.unit.bert.models import SMALL
from tests.unit.finetuning.jobs import FAST, write_data, write_model
from tokpipe.baselines import registry as methods
from tokpipe.baselines.method import Learned, Method
from tokpipe.baselines.train import train_baseline
from tokpipe.bert.config import BertConfig
from tokpipe.bert.kernels.activations import ACTIVATIONS, kernels_of
from tokpipe.bert.kernels.formulas import HALF, ZERO
from tokpipe.bert.parameters import Parameters
from tokpipe.cli import main
from tokpipe.cli.command import Session, command
from tokpipe.corpus import formats, reader
from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.lines import read_lines
from tokpipe.examples import masking
from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.masks import FIXED
from tokpipe.finetuning import registry as tasks
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.finetune import finetune
from tokpipe.finetuning.tasks import classification
from tokpipe.foundation import jit
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.config import Config, setting
from tokpipe.inspection import pages
from tokpipe.inspection.check import folder
from tokpipe.inspection.check.finding import WARNING, Finding
from tokpipe.training.config import TrainingConfig
from tokpipe.training.optimizer import Optimizer
from tokpipe.words import pre_tokenizers
from tokpipe.words.config import WordsConfig
from tokpipe.words.count import count_words
from tokpipe.words.kernels.classes import LETTER, SPACE, WHITESPACE

TEXT = "One harbour, two ferries: 3 gulls.\nThe sea!\n"


def rows():
    """Return what is changed, the files to touch and the tests of each row of the table."""
    section = readme.README.read_text("utf-8").split("## How to change what")[1].split("\n## ")[0]
    found = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| a")]
    return {row[0].strip(): row[1:] for row in found}


CHANGES = [
    *("a pre-tokenizer", "a kind of masks", "an activation", "a head", "a task"),
    *("an earlier approach", "a family of models", "a format of text", "an optimizer", "a page"),
    *("a command", "a finding of `check`"),
]


def test_table_has_every_change():
    assert list(rows()) == CHANGES


@pytest.mark.parametrize("change", CHANGES)
def test_files_and_tests_that_the_table_names_exist(change):
    for cell in rows()[change]:
        named = re.findall(r"`([\w/.*]+[/.]\w*)`", cell)
        assert named, change
        for name in named:
            places = [readme.ROOT / name, readme.PACKAGE / name]
            assert any(any(place.parent.glob(place.name)) for place in places), name


@dataclass(frozen=True, kw_only=True)
class OnlyWords(WordsConfig):
    """Words alone; what stands between them is no word of its own."""

    normalizer: str = setting("none", "", choices=("none",))
    lowercase: bool = setting(False, "")
    pre_tokenizer: str = setting("only-words", "", choices=("only-words",))


@pytest.fixture
def only_words(monkeypatch):
    """A pre-tokenizer: its kind for the kernels, and the classes of all characters."""
    of_others = pre_tokenizers._regex_classes

    def classes(kind):
        found = of_others(WHITESPACE)
        return np.where(found == LETTER, LETTER, SPACE).astype(np.uint8)

    monkeypatch.setitem(pre_tokenizers._KINDS, "only-words", WHITESPACE)
    monkeypatch.setattr(pre_tokenizers, "_regex_classes", classes)
    pre_tokenizers._tables.cache_clear()
    yield OnlyWords()
    pre_tokenizers._tables.cache_clear()


def test_a_pre_tokenizer_splits_and_counts(only_words, tmp_path):
    words, borders = pre_tokenizers.split_words(Strings.from_list(TEXT.splitlines()), only_words)
    wanted = ["One", "harbour", "two", "ferries", "3", "gulls", "The", "sea"]
    assert [words.bytes_of(i).decode() for i in range(len(words))] == wanted
    assert borders.tolist() == [0, 6, 8]
    (tmp_path / "text.txt").write_text(TEXT * 2)
    counted = count_words([tmp_path / "text.txt"], only_words)
    assert [counted.words.bytes_of(i).decode() for i in range(8)] == sorted(wanted)
    assert counted.counts.tolist() == [2] * 8


@dataclass(frozen=True, kw_only=True)
class LongMasks(MaskConfig):
    """Masks of long tokens alone."""

    shortest: int = setting(0, "Fewest characters of a token that may be chosen.", least=0)


def test_a_kind_of_masks_chooses_and_replaces(monkeypatch):
    tokens = ["[CLS]", "[MASK]", "a", "sea", "ferries", "harbour"]
    facts = TokenFacts.of_tokens(tokens, {"[CLS]", "[MASK]"}, {"mask": 1}, "")
    kinds = masking._kinds

    def long_ones(facts, config):
        short = np.array([len(token) < config.shortest for token in tokens])
        return kinds(facts, config) | FIXED * short.astype(np.uint8)

    monkeypatch.setattr(masking, "_kinds", long_ones)
    config = LongMasks(masked_lm_prob=1, mask_replace_prob=1, random_replace_prob=0, shortest=4)
    ids = np.array([0, 2, 5, 3, 4], np.int32)
    offsets, keys = np.array([0, 5]), np.zeros(1, np.uint64)
    masks = masking.mask_examples(ids, offsets, keys, facts, config)
    assert ids.tolist() == [0, 2, 1, 3, 1] and masks.ids.tolist() == [5, 4]


def test_a_task_is_learned_and_scored(monkeypatch, tmp_path):
    home = ModuleType("toy_tasks.first")
    home.TASK = replace(classification.TASK, name="first", rows=lambda data, found, tuned: iter(()))
    monkeypatch.setitem(sys.modules, home.__name__, home)
    entry = tasks.Entry("first", "one class of each text, of which no row is kept", home.__name__)
    monkeypatch.setattr(tasks, "ENTRIES", (*tasks.ENTRIES, entry))
    write_model(tmp_path / "model")
    train = write_data(tmp_path, "classification")
    config = FinetuneConfig(**{**FAST, "epochs": 1})
    out = tmp_path / "out"
    finetune("first", tmp_path / "model", train, None, train, out, config=config)
    said = json.loads((out / "metrics.json").read_text())
    assert said["task"] == "first" and said["test"]["n"] == 64
    assert not (out / "predictions.jsonl").read_text()


@dataclass(frozen=True, eq=False)
class Shares:
    """An earlier approach: the shares of the classes, whatever a text says."""

    shares: np.ndarray

    def outputs(self, texts):
        """Return the same shares for each text."""
        return np.tile(self.shares, (len(texts[0]), 1))

    def tensors(self):
        """Return the shares."""
        return {"shares": self.shares}


def test_an_earlier_approach_is_trained_saved_and_scored(monkeypatch, tmp_path):
    home = ModuleType("toy_methods.shares")
    home.METHOD = Method(
        name="shares",
        config=Config,
        fit=lambda lesson, config, progress: Learned(
            fitted=Shares(lesson.targets.mean(axis=0)), chosen={}
        ),
        load=lambda tensors: Shares(tensors["shares"]),
    )
    monkeypatch.setitem(sys.modules, home.__name__, home)
    entry = methods.Entry("shares", "shares of the classes", ("classification",), home.__name__)
    monkeypatch.setattr(methods, "ENTRIES", (*methods.ENTRIES, entry))
    train = write_data(tmp_path, "classification")
    out = tmp_path / "out"
    train_baseline("shares", "classification", train, None, train, out)
    said = json.loads((out / "metrics.json").read_text())["test"]
    assert said["scores"]["accuracy"]["value"] == said["majority"]


def read_quotes(block, config):
    """Make a batch of a block of mail: a document for each line that quotes another."""
    lines, tally = read_lines(block, config)
    texts = [lines.bytes_of(i) for i in range(len(lines))]
    quotes = [text.removeprefix(b"> ") for text in texts if text.startswith(b"> ")]
    return TextBatch(Strings.from_list(quotes), np.arange(len(quotes) + 1), tally=tally)


def test_a_format_of_text_is_found_by_name_cut_and_read(monkeypatch, tmp_path):
    monkeypatch.setitem(formats._FORMATS, ".mail", "quotes")
    monkeypatch.setitem(reader._LINE_FORMATS, "quotes", read_quotes)
    (tmp_path / "a.mail").write_text("Dear all,\n> one two\nno\n> two\n" * 3)
    corpus = reader.open_corpus([tmp_path / "a.mail"])
    batches = [piece.load() for piece in corpus.pieces(piece_bytes=10)]
    texts = [b.texts.bytes_of(i) for b in batches for i in range(len(b.texts))]
    assert texts == [b"one two\n", b"two\n"] * 3
    counted = count_words([tmp_path / "a.mail"])
    assert counted.counts.tolist() == [3, 6]  # one, two


def test_a_page_is_rendered_escaped_and_without_scripts(monkeypatch, tmp_path):
    copy = tmp_path / "templates"
    shutil.copytree(pages._TEMPLATES, copy)
    toy = '{% extends "page.html" %}{% block content %}<p>{{ text }}</p>{% endblock %}'
    (copy / "toy.html").write_text(toy)
    monkeypatch.setattr(pages, "_TEMPLATES", copy)
    page = pages.rendered("toy.html", title="</title>", text="<script>")
    assert "<p>&lt;script&gt;</p>" in page and "default-src" in page and "<script" not in page
    assert "<title>&lt;/title&gt;</title>" in page


def test_a_command_stands_in_the_help_and_runs(monkeypatch, capsys):
    @command(name="toy", examples=["tokpipe toy"])
    def toy(session: Session) -> None:
        """Say what a toy says."""
        session.console.out.line("beep")

    home = ModuleType("toy_commands.toy")
    home.toy = toy
    monkeypatch.setitem(sys.modules, home.__name__, home)
    monkeypatch.setitem(main._SECTIONS["First steps"], "toy", home.__name__)
    assert main.execute(["toy"]) == 0 and capsys.readouterr().out == "beep\n"
    assert main.execute(["--help"]) == 0
    assert "Say what a toy says." in capsys.readouterr().out


def test_a_finding_of_check_is_printed_and_counted(monkeypatch, capsys, tmp_path):
    check_ids = folder.check_ids

    def with_toy(source):
        shouted = [token for token in source.ids if token.isupper()]
        found = [Finding(WARNING, source.path.name, f"{len(shouted)} tokens shout")]
        return [*check_ids(source), *(found if shouted else [])]

    monkeypatch.setattr(folder, "check_ids", with_toy)
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nHEY\na\nb\n")
    assert main.execute(["check", str(tmp_path / "vocab.txt")]) == 1
    assert "6 tokens shout" in capsys.readouterr().out


@dataclass(frozen=True, kw_only=True)
class SquareBert(BertConfig):
    """A BERT whose activation is half the square of what is positive."""

    hidden_act: str = setting("square", "", choices=("square",))


def square_of(x):
    positive = max(x, ZERO)
    return positive * positive * HALF, positive


def square_reference(x):
    positive = np.maximum(x, 0)
    return positive * positive / 2, positive


@pytest.fixture
def square(monkeypatch):
    """An activation: the two functions of its file, under a name."""
    monkeypatch.setattr(jit, "KERNELS", {})  # which the parity tests walk
    file = ModuleType("tokpipe.bert.kernels.act_square")
    file.formula, file.reference = jit.inlined_formula(square_of), square_reference
    monkeypatch.setitem(sys.modules, file.__name__, file)
    monkeypatch.setitem(ACTIVATIONS, "square", kernels_of("square"))
    return SquareBert(**SMALL)


def test_an_activation_has_the_slope_of_the_loss_and_kernels_like_its_twins(square, monkeypatch):
    monkeypatch.setattr(test_gradients, "small_config", lambda **changes: square)
    monkeypatch.setitem(test_gradients.VARIANTS, "square", {})
    test_gradients.test_gradient_is_the_slope_of_the_loss("square")
    before, gradient = np.random.default_rng(0).standard_normal((2, 3, 8), np.float32)
    forward, backward = ACTIVATIONS["square"]
    ours, theirs = [(before, gradient.copy(), np.empty_like(before), np.zeros(8)) for _ in "ab"]
    backward(*ours)
    backward.reference(*theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    again = np.empty_like(before)
    forward(before, again)
    np.testing.assert_array_equal(again, ours[2])


class SignDescent(Optimizer):
    """An optimizer: each weight moves by the rate, against the sign of its gradient."""

    def step(self, learning_rate, norm):
        """Move the weights by the sum that `gradient_norm` made; clear it."""
        self.steps += 1
        gradient = self._shards[0]
        self.parameters.block[:] -= np.float32(learning_rate) * np.sign(gradient)
        gradient[:] = 0


def test_an_optimizer_goes_down_and_clears_the_gradients():
    config = BertConfig(**SMALL)
    parameters = Parameters.initialised(config, 1)
    gradients = [parameters.zeros_like() for _ in range(2)]
    optimizer = SignDescent(TrainingConfig(), parameters, gradients)
    lengths = []
    for _ in range(10):
        for gradient in gradients:  # of half the squares of all weights
            gradient.block[:] = parameters.block / 2
        lengths.append(optimizer.gradient_norm())
        optimizer.step(0.01, lengths[-1])
    assert lengths == sorted(lengths, reverse=True) and lengths[-1] < lengths[0]
    assert not any(gradient.block.any() for gradient in gradients)
