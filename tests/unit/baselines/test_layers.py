"""The layers of a model compared: their vectors, what is learned of them, files and errors."""

import json
import tempfile
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.finetuning.jobs import SUFFIX, write_data, write_model
from tests.unit.inspection.printing import shown
from tokpipe.baselines.config import LayersConfig
from tokpipe.baselines.layer_features import feature_file, planes_of, write_features
from tokpipe.baselines.layers import TASKS, combinations, compare_layers
from tokpipe.baselines.layers_result import LayersCompared, Probe
from tokpipe.bert.model import Model
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.windows import WindowConfig
from tokpipe.foundation.errors import ConfigError, InputError, StorageError
from tokpipe.inspection.terminal.layers import layers_renderable
from tokpipe.tasks.sequences import Sequences, pack
from tokpipe.training.source_model import open_source, weights_of

LAYERS = 5
TWO = LayersConfig(seeds=2)
BOTH = LayersConfig(seeds=2, heads=("linear", "bilstm"), epochs=2)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a model and data for each task."""
    folder = tmp_path_factory.mktemp("layers")
    write_model(folder / "model", LAYERS)
    for task in TASKS:
        write_data(folder, task, 48, 0, f"{task}-train")
        write_data(folder, task, 24, 1, f"{task}-test")
    return folder


def files(home, task):
    return {part: home / f"{task}-{part}.{SUFFIX[task]}" for part in ("train", "test")}


def vectors(home, task, pooling="cls", threads=1, precision="f32"):
    """Return what stands in the file, the examples, and the model."""
    asked, source = task_of(task), open_source(home / "model")
    data = asked.read(files(home, task)["train"], None, None)
    examples = asked.encode(data, source.tokenizer, WindowConfig(), 40, 1)
    model = Model(source.config, weights_of(source))
    shape = planes_of(LAYERS), examples.logit_count, model.config.hidden_size
    with feature_file(None, shape, precision) as out:
        write_features(model, Part("train", data, examples), pooling, out, threads=threads)
        return np.array(out), examples, model


@pytest.mark.parametrize("task", TASKS)
def test_each_task_is_compared_and_drawn(home, task):
    found = compare_layers(task, home / "model", **files(home, task), config=TWO)
    names = [probe.name for probe in found.probes]
    assert names == [
        *("embeddings", "second to last", "last", "sum of last four", "last four side by side"),
        *("sum of all", "weighted sum of all", "layer 1", "layer 2", "layer 3"),
    ]
    assert all(len(probe.values) == 2 for probe in found.probes)
    mix = found["weighted sum of all"].mix
    assert len(mix) == 2 and all(len(shares) == LAYERS + 1 for shares in mix)
    assert [sum(shares) for shares in mix] == pytest.approx([1, 1])
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["score"] == found.score
    for width in (40, 80):
        text = shown(layers_renderable(found), width=width)
        assert all(len(line) <= width for line in text.splitlines())
    assert all(name in text for name in names)
    assert f"majority {found.majority:.4f}" in " ".join(text.split())
    assert shown(layers_renderable(found), encoding="ascii").isascii()


@pytest.mark.parametrize("seeds", [1, 3])
def test_figures_and_bars_are_whole_where_they_are_drawn(seeds):
    scores = dict.fromkeys(("f1", "f2"), (1.0,) * seeds)
    name, one = "last four side by side", (1.0, 1.0)
    probe = Probe(name=name, head="linear", scores=scores, interval=one, chosen=(1.0,))
    counts = {"train": 9, "test": 9, "layers": 4, "feature_bytes": 1}
    how = {"task": "ner", "model": "model", "majority": 0.0, "probes": (probe,), "seconds": 1.0}
    found = LayersCompared(**counts, **how)
    for width in range(52, 130):
        lines = shown(layers_renderable(found), width=width).splitlines()
        (line,) = [line for line in lines if "1.0000 –" in line]
        assert line.count("1.0000") == (5 if width >= 2 + len(name) + 45 else 3)
        assert "…" not in line and len(line) <= width
    text = " ".join(shown(layers_renderable(found)).split())
    assert f"greatest of {seeds} seed{'s' * (seeds > 1)}, each with" in text


def test_embeddings_tell_single_words_and_beat_the_majority(home):
    found = compare_layers("ner", home / "model", **files(home, "ner"), config=TWO)
    assert found.score == "entity_f1" and found.majority == 0
    assert found["embeddings"].median > 0.95
    assert "entity_f1_strict" in found["embeddings"].scores


def test_a_first_token_without_context_is_worth_the_majority(home):
    found = compare_layers("classification", home / "model", **files(home, "classification"))
    assert set(found["embeddings"].values) == {found.majority}
    mean = replace(TWO, pooling="mean")
    pooled = compare_layers(
        "classification", home / "model", **files(home, "classification"), config=mean
    )
    assert pooled["embeddings"].median > found.majority


@pytest.mark.parametrize("task", TASKS)
def test_figures_do_not_depend_on_threads_and_follow_the_seed(home, task):
    found = [
        compare_layers(
            task, home / "model", **files(home, task), config=TWO, threads=threads, seed=seed
        )
        for threads, seed in ((1, 0), (3, 0), (2, 1))
    ]
    assert found[0].probes == found[1].probes
    for first, other in zip(found[0].probes, found[2].probes, strict=True):
        assert first.values[1] == other.values[0]  # seed 1 is the second of the first


@pytest.mark.parametrize("task", TASKS)
def test_a_bilstm_reads_the_same_vectors_and_depends_on_no_thread(home, task):
    found = [
        compare_layers(task, home / "model", **files(home, task), config=BOTH, threads=threads)
        for threads in (1, 3)
    ]
    assert found[0].probes == found[1].probes and found[0].heads == ("linear", "bilstm")
    names = [[probe.name for probe in found[0].under(head)] for head in found[0].heads]
    assert names[0] == names[1] and len(found[0].probes) == 20
    for probe in found[0].under("bilstm"):
        assert all(1 <= epoch <= 2 for epoch in probe.chosen)
        assert probe.interval[0] <= sorted(probe.values)[0] <= probe.interval[1]
        assert [sum(shares) for shares in probe.mix] == pytest.approx([1] * len(probe.mix))
    text = shown(layers_renderable(found[0]), width=100)
    assert "A BiLSTM: layers" in text and "A linear model: layers" in text


def test_a_bilstm_over_the_tokens_of_texts_learns_what_embeddings_tell(home, tmp_path, monkeypatch):
    only = combinations(LAYERS)[:1]
    monkeypatch.setattr("tokpipe.baselines.layers.combinations", lambda layers: only)
    config = replace(BOTH, heads=("bilstm",), seeds=1, epochs=20)
    train = write_data(tmp_path, "classification", 200, 2)
    test = files(home, "classification")["test"]
    found = compare_layers("classification", home / "model", train, test, config=config)
    assert found["embeddings"].median > max(0.8, found.majority)


@pytest.mark.parametrize("layers", range(1, 8))
def test_combinations_read_each_layer_and_nothing_twice(layers):
    found = combinations(layers)
    assert len({(one.which, one.mixed) for one in found}) == len(found)
    assert len({one.name for one in found}) == len(found)
    alone = {one.which[0] for one in found if len(one.which) == 1}
    assert alone >= set(range(layers + 1)) and max(alone) < planes_of(layers)
    side = [one.which for one in found if "side by side" in one.name]
    assert side == ([tuple(range(max(1, layers - 3), layers + 1))] if layers > 1 else [])


@pytest.mark.parametrize(
    ("task", "pooling"), [("pos", "cls"), ("classification", "cls"), ("classification", "mean")]
)
def test_vectors_are_those_of_the_hidden_states(home, task, pooling):
    found, examples, model = vectors(home, task, pooling)
    assert np.array_equal(found, vectors(home, task, pooling, threads=3)[0])
    packed = Sequences(examples.input_ids, examples.offsets, examples.token_type_ids)
    states = model.hidden_states(pack(packed, np.arange(len(examples))), range(LAYERS + 1))
    for layer, state in enumerate(states):
        if task == "pos":
            wanted = state[examples.tag_positions]
        elif pooling == "cls":
            wanted = state[examples.offsets[:-1]]
        else:
            ends = zip(examples.offsets, examples.offsets[1:], strict=False)
            wanted = np.stack([state[first:last].mean(0) for first, last in ends])
        np.testing.assert_allclose(found[layer], wanted, atol=2e-6)
    np.testing.assert_allclose(found[LAYERS + 1], found[2:6].sum(0), atol=5e-6)
    np.testing.assert_allclose(found[LAYERS + 2], found[1:6].sum(0), atol=5e-6)
    half = vectors(home, task, pooling, precision="f16")[0]
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, found, atol=0.02)


@pytest.mark.peers
def test_vectors_are_those_of_transformers(home):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    found, examples, _ = vectors(home, "pos")
    theirs = transformers.AutoModel.from_pretrained(home / "model").eval()
    at = 0
    for first, last in zip(examples.offsets, examples.offsets[1:], strict=False):
        ids = torch.tensor(examples.input_ids[first:last].astype(np.int64))[None]
        with torch.no_grad():
            states = theirs(ids, output_hidden_states=True).hidden_states
        asked = examples.tag_positions
        inside = asked[(asked >= first) & (asked < last)] - first
        for layer, state in enumerate(states):
            wanted = state[0].numpy()[inside]
            np.testing.assert_allclose(found[layer, at : at + len(inside)], wanted, atol=2e-5)
        at += len(inside)
    assert at == found.shape[1] and len(states) == LAYERS + 1


def test_the_vectors_are_removed_whatever_happens(home, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    compare_layers("pos", home / "model", **files(home, "pos"), config=TWO)
    assert not any(tmp_path.iterdir())

    def fail(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr("tokpipe.baselines.layers.moments_of", fail)
    with pytest.raises(KeyboardInterrupt):
        compare_layers("pos", home / "model", **files(home, "pos"), config=TWO)
    assert not any(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        compare_layers(
            "pos", home / "model", **files(home, "pos"), out=tmp_path / "out", config=TWO
        )
    assert not [*tmp_path.rglob("*.bin")] and not (tmp_path / "out").exists()


def test_a_folder_keeps_the_figures_and_no_vectors(home, tmp_path):
    out = tmp_path / "out"
    found = compare_layers("pos", home / "model", **files(home, "pos"), out=out, config=TWO)
    assert {path.name for path in out.iterdir()} == {"layers.json", "tokpipe.json"}
    assert json.loads((out / "layers.json").read_text()) == found.to_dict()
    with pytest.raises(StorageError, match="exists"):
        compare_layers("pos", home / "model", **files(home, "pos"), out=out)


def test_too_little_room_is_said_before_the_work(home, monkeypatch):
    monkeypatch.setattr("tokpipe.foundation.storage.free_bytes", lambda path: 10)
    with pytest.raises(StorageError, match="needed"):
        compare_layers("pos", home / "model", **files(home, "pos"))


@pytest.mark.parametrize("task", ["qa", "regression", "multilabel", "sorting"])
def test_other_tasks_are_refused(home, task):
    with pytest.raises(ConfigError, match="pos, ner, classification"):
        compare_layers(task, home / "model", **files(home, "pos"))


def conllu(*tags):
    lines = [f"{i}\tcat\t_\t{tag}\t_\t_\t_\t_\t_\t_\n" for i, tag in enumerate(tags, 1)]
    return "".join(lines)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(
    ("task", "content"),
    [
        (
            "classification",
            '{"text": "the cat", "label": "cat"}\n{"text": "a dog", "label": null}\n',
        ),
        ("pos", f"{conllu('X', 'V')}\n{conllu('_')}"),
        ("classification", ""),
    ],
    ids=["no label", "no tag", "empty"],
)
def test_data_without_labels_is_refused_with_its_place(home, tmp_path, part, task, content):
    path = tmp_path / f"bad.{'conllu' if task == 'pos' else 'jsonl'}"
    path.write_text(content)
    with pytest.raises(InputError, match="bad"):
        compare_layers(task, home / "model", **{**files(home, task), part: path})


@pytest.mark.parametrize("part", ["train", "test"])
def test_data_without_a_word_to_learn_from_is_refused(home, tmp_path, part):
    path = tmp_path / "blank.conll"
    path.write_text("\u200b\tX\n\n\u200d\tV\n")
    with pytest.raises(InputError, match="word that the model reads"):
        compare_layers("pos", home / "model", **{**files(home, "pos"), part: path})


def test_one_sentence_is_too_little_to_hold_some_out(home, tmp_path):
    path = tmp_path / "one.conll"
    path.write_text("the\tX\nran\tV\n")
    with pytest.raises(InputError, match="two are needed"):
        compare_layers("pos", home / "model", path, files(home, "pos")["test"])
