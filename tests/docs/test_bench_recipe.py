"""What the bench of the recipe reckons: paces, steps, the order of trainings, what is kept."""

import json
import math
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.bench import pacing, recipe, ways
from tests.bench.finetune_jobs import Limits
from tests.bench.harness import Run
from tests.bench.keeping import figures_of, keep, kept, side_by_side
from tests.bench.ours_train import pace, reach
from tests.bench.ways import NAMES, groups_for, ways_for
from tokpipe.bert.config import BertConfig
from tokpipe.examples.config import ExampleConfig
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.config import ShardConfig
from tokpipe.tokenizer.build import train_vocab
from tokpipe.training.config import TrainingConfig
from tokpipe.vocab.config import VocabConfig

TEXT = "the cat ran home .\nthe dogs sat in , wé think\n\nthe cat sat\n\n" * 40
LOSSES = {"neutral": 4.0, "relative": 3.9, "plain": 4.1, "glu": 3.8, "run-mlm": 7.0}


class Processes:
    """In place of processes: paces of so many steps a second in each round, and losses."""

    def __init__(self):
        self.paces = {name: [10.0, 10.0, 10.0] for name in NAMES}
        self.started = []

    @contextmanager
    def worker(self, place, way, job, **settings):
        self.started.append((place.preset, way.name, job, settings))
        rounds = iter([1.0, *self.paces.get(way.name, [10.0] * 3)])  # warm up first

        def run():
            if job == "reach":
                return Run(1.0, 0, {"loss": LOSSES.get(way.name, 5.0) + settings["seed"] / 100})
            return Run(9.0, 0, {"steps": 2 * next(rounds), "seconds": 2.0})

        yield SimpleNamespace(run=run)

    def trained(self):
        return [
            (preset, name, how["seed"]) for preset, name, job, how in self.started if job == "reach"
        ]


@pytest.fixture
def processes(monkeypatch):
    """Count what is started; the one kind of processors here is an abacus."""
    made = Processes()
    monkeypatch.setattr(pacing.Place, "worker", lambda *args, **more: made.worker(*args, **more))
    monkeypatch.setattr(pacing, "processors", lambda: "2 × Abacus")
    return made


@pytest.fixture
def place(tmp_path):
    return pacing.Place(tmp_path / "kept.json", tmp_path, 1_000, "tiny", "python")


@pytest.fixture
def rows(processes, tmp_path, monkeypatch):
    """Return what measures, trains and makes the rows, one after the other."""
    shards = SimpleNamespace(folder=tmp_path, train=SimpleNamespace(tokens=1_000))
    monkeypatch.setattr(recipe, "learning_shards", lambda: shards)
    monkeypatch.setattr(recipe, "lacks", lambda python, package: python == "bare")
    monkeypatch.setattr(recipe, "side_by_side", lambda jobs: [job() for job in jobs])

    def made(rounds=2, peers="python", **limits):
        limits = {"tasks": ("tiny",), "store": tmp_path / "kept.json", **limits}
        return recipe.rows(peers, rounds, Limits(**limits))

    return made


@pytest.mark.parametrize("preset", recipe.PRESETS)
def test_every_way_says_all_that_its_side_asks_for(preset):
    found = ways_for(preset)
    assert tuple(way.name for way in found) == NAMES and len({*NAMES}) == len(NAMES)
    for way in found:
        if not way.is_peer:
            config = TrainingConfig(**way.settings["training"], steps=1, seed=1, eval_steps=0)
            shape = BertConfig.preset(preset, **way.settings["model"])
            assert "hidden_dropout_prob" in way.settings["model"]
            assert config.learning_rate and shape.hidden_size
        assert json.loads(json.dumps(way.settings)) == way.settings
    names = list(NAMES)
    assert all(names.index(way.beside) <= names.index(way.name) for way in found)


@pytest.mark.parametrize(
    "trick", [{"model": {"hidden_act": "silu"}}, {"training": {"warmup_steps": 3}}]
)
def test_a_trick_is_one_entry(trick, monkeypatch):
    without = ways_for("tiny")[1].settings
    monkeypatch.setattr(ways, "_TRICKS", {"new": trick})
    (made,) = groups_for("tiny")[1]
    (part,) = trick
    assert (made.name, made.beside, made.share) == ("new", "relative", ways.RELATIVE)
    assert made.settings == {**without, part: {**without[part], **trick[part]}}


def test_minutes_come_to_steps_by_the_pace_that_is_kept(place, processes):
    neutral, relative, plain, *_ = ways_for("tiny")
    assert pacing.steps_for(place, relative, 30) is None
    processes.paces |= {"relative": [20.0, 21.0, 24.0], "plain": [0.0001] * 3}
    pacing.measure(place, [neutral, relative, plain])
    assert pacing.pace_of(place, relative) == {
        "steps_a_second": 21.0,
        "rounds": [20.0, 21.0, 24.0],
        "processor": "2 × Abacus",
    }
    assert pacing.steps_for(place, neutral, 30) == 18_000
    assert pacing.steps_for(place, relative, 30) == 21 * 180
    assert pacing.steps_for(place, plain, 1) == 1  # one is always made
    other_text = place._replace(tokens=999)
    assert pacing.steps_for(other_text, relative, 30) is None


def test_paces_are_measured_once_and_a_new_way_beside_neutral(place, processes):
    neutral, relative, plain, *_ = ways_for("tiny")
    for _ in range(2):
        pacing.measure(place, [neutral, relative])
    assert len(processes.started) == 2
    processes.paces |= {"neutral": [5.0, 6.0, 5.0], "plain": [10.0, 9.0, 10.0]}  # a slower day
    pacing.measure(place, [neutral, relative, plain])
    assert [name for _, name, *_ in processes.started[2:]] == ["neutral", "plain"]
    assert pacing.pace_of(place, neutral)["steps_a_second"] == 10
    assert pacing.pace_of(place, plain)["steps_a_second"] == 20


def test_paces_of_other_processors_are_not_mixed(place, processes, monkeypatch):
    neutral, relative, *_ = ways_for("tiny")
    pacing.measure(place, [neutral])
    monkeypatch.setattr(pacing, "processors", lambda: "2 × Slide rule")
    pacing.measure(place, [neutral, relative])
    assert len(processes.started) == 1 and pacing.pace_of(place, relative) is None


@pytest.mark.parametrize("rounds", [[10.0, 10.0, 13.0], [0.0, 0.0, 0.0]])
def test_a_pace_that_others_disturbed_is_refused_and_none_is_kept(place, processes, rounds):
    processes.paces["relative"] = rounds
    with pytest.raises(SystemExit, match=r"tiny, relative: .* while nothing else is at work"):
        pacing.measure(place, ways_for("tiny")[:2])
    assert not place.store.exists()


def test_what_the_floors_are_about_is_trained_first(rows, processes):
    rows(tasks=(), ways=("neutral", "glu", "relative", "run-mlm"))
    held = ["neutral", "relative"]
    asked = [(preset, name, seed) for preset in recipe.PRESETS for seed in (0, 1) for name in held]
    for name in ("glu", "run-mlm"):
        asked += [(preset, name, seed) for preset in recipe.PRESETS for seed in (0, 1)]
    assert processes.trained() == asked
    paced = [
        name for preset, name, job, _ in processes.started if (preset, job) == ("mini", "pace")
    ]
    assert tuple(paced) == NAMES  # all, whatever is trained


def test_rows_hold_medians_and_say_what_is_missing(rows, processes):
    first = rows(ways=("neutral", "relative", "plain"), peers="bare")
    paces, relative, plain, glu, *_, theirs = first
    assert paces.work.endswith("tiny, 2 × Abacus") and "relative 10" in paces.ours
    assert relative.work.endswith("tokpipe, relative, 3 minutes (1,800 steps)")
    assert relative.ours == "3.900 3.910"
    assert relative.peer == "neutral, 30 minutes (18,000 steps): 4.000 4.010"
    assert (relative.floor, relative.passed) == ("at most 4.005", True)
    assert (plain.measured, plain.passed) == ("+0.100 to neutral", False)
    assert glu.measured == "skipped: 0 and 2 of 2 trainings are kept"
    assert theirs.measured == "skipped: its pace is not measured"
    count = len(processes.started)
    assert rows(ways=()) == first and len(processes.started) == count


def test_an_evening_goes_on_where_another_ended(rows, processes):
    rows(rounds=1, ways=("neutral", "relative", "glu", "run-mlm"))
    rows(rounds=2, ways=("relative", "glu"))
    trained = processes.trained()
    assert len(trained) == len({*trained}) == 6
    made = rows(rounds=1, ways=())
    assert made[NAMES.index("glu")].measured == "-0.100 to tokpipe, relative"
    assert made[NAMES.index("glu")].peer.startswith("tokpipe, relative, 3 minutes")
    theirs = made[NAMES.index("run-mlm")]
    assert theirs.ours.startswith("neutral, 30 minutes") and theirs.peer == "7.000"
    assert rows(rounds=2, ways=())[1].measured == "skipped: 2 and 1 of 2 trainings are kept"


def test_no_seeds_measure_paces_alone(rows, processes):
    made = rows(rounds=0)
    assert {job for _, _, job, _ in processes.started} == {"pace"}
    assert all(row.measured.startswith("skipped") for row in made[1:])


def test_what_is_kept_is_not_made_again(tmp_path):
    store, made = tmp_path / "kept.json", []

    def make():
        made.append(1)
        return {"loss": 0.5}

    assert [kept(store, ["rte", None, seed], make) for seed in (0, 0, 1)] == [{"loss": 0.5}] * 3
    assert len(made) == 2
    keep(store, [{"b": 1, "a": 2}], {"loss": 1})
    assert figures_of(store, [{"a": 2, "b": 1}]) == {"loss": 1}
    assert figures_of(store, ["rte"]) is None


def test_a_job_that_fails_keeps_no_other_from_being_done():
    done = []

    def fails():
        raise ValueError("worker")

    with pytest.raises(ValueError, match="worker"):
        side_by_side([fails, *(lambda n=n: done.append(n) for n in range(9))])
    assert sorted(done) == list(range(9))
    assert side_by_side([lambda: 1, lambda: 2]) == [1, 2]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Shards of a little text, a fifth of it to validate on; and how many tokens there are."""
    folder = tmp_path_factory.mktemp("shards")
    text, vocabulary, made = folder / "text.txt", folder / "tokenizer", folder / "shards"
    text.write_text(TEXT, encoding="utf-8")
    train_vocab([text], VocabConfig(model="wordpiece", vocab_size=(64,)), output=vocabulary)
    examples = ExampleConfig(objective="none", max_seq_length=16)
    config = BuildConfig(examples=examples, shards=ShardConfig(validation_fraction=0.2))
    build_shards([text], vocabulary, made, config)
    return str(made), len((vocabulary / "vocab.txt").read_text("utf-8").split("\n")) - 1


def test_our_side_reaches_the_same_loss_with_any_number_of_threads(shards):
    settings = ways_for("tiny")[1].settings
    found = [reach(shards[0], "tiny", 0, 3, threads=n, **settings)() for n in (1, 2)]
    assert found[0] == found[1]
    longer = reach(shards[0], "tiny", 0, 30, **settings)()
    assert longer["loss"] < found[0]["loss"] and longer["tokens"] > found[0]["tokens"]


@pytest.mark.parametrize("many", [1, 8])
def test_a_step_of_many_batches_counts_as_what_was_made_of_it(shards, many):
    settings = ways_for("tiny")[1].settings
    training = {**settings["training"], "gradient_accumulation_steps": many}
    found = pace(shards[0], "tiny", 1, settings["model"], training)()
    assert found["seconds"] > 0 and found["steps"] > 0
    assert (found["steps"] * many) % min(many, 4) == 0


@pytest.mark.peers
def test_the_peers_side_begins_at_guessing_and_learns(shards):
    pytest.importorskip("transformers")
    from tests.bench import peers_train

    settings = ways_for("tiny")[-1].settings
    first, later = (
        peers_train.reach(shards[0], "tiny", 0, 9, **{**settings, "rate": rate})()["loss"]
        for rate in (0.0, 1e-2)
    )
    assert abs(first - math.log(shards[1])) < 0.5
    assert later < first - 0.5
    found = peers_train.pace(shards[0], "tiny", 1, **settings)()
    assert found["steps"] > 0 and found["seconds"] > 0
