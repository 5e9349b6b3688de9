"""Models in 8 bits: near to float32, the same whatever is beside a text, refused elsewhere."""

import bz2
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tasks.jobs import JOBS, job_model
from tests.unit.tasks.models import CONFIG, small, tokenizer
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation import processors
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.processors import multiplies
from tokpipe.tasks.config import EmbedConfig
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.fill_mask import fill_masks
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job, predict
from tokpipe.tasks.quantising import sample_of
from tokpipe.tasks.rounding import (
    answer_agreement,
    cosines,
    differences,
    evenly,
    mask_agreement,
)
from tokpipe.tasks.vector_settings import settle

has_int8 = pytest.mark.skipif(not multiplies("int8"), reason="no products in 8 bits here")
TEXTS = ["the cat sat", "", "a dog ran on the old road .", "puppy", "it was new " * 5]
ASKED = {
    "qa": [("the dog?", "The dog sat on the old mat."), ("it?", "It was new.")],
    "texts": TEXTS,
}


def inputs_of(name):
    return ASKED.get(name, ASKED["texts"])


@has_int8
def test_a_real_model_is_near_to_float32_with_every_text(shared_data, tmp_path):
    source = shared_data / "checkpoints" / "minilm-2l-8k"
    folder = shutil.copytree(source, tmp_path / "m")
    packed = folder / "model.safetensors.bz2"
    (folder / "model.safetensors").write_bytes(bz2.decompress(packed.read_bytes()))
    exact = BertModel.load(folder, "none")
    ours = BertModel.load(folder, "none", precision="int8")
    lines = (shared_data / "tasks" / "sst2" / "dev.tsv").read_text().splitlines()[1:300]
    texts = [line.split("\t")[0] for line in lines]
    one, other = embed_texts(ours, texts), embed_texts(exact, texts)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    assert ((one * other).sum(1) / lengths).min() >= 0.995
    assert not (one == other).all()


@has_int8
@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_vector_does_not_depend_on_threads_or_on_other_texts(pooling, norm):
    model = small(replace(CONFIG, norm_position=norm)).in_precision("int8")
    texts = [f"{text} and {other}" for text in TEXTS for other in TEXTS] * 30
    config = EmbedConfig(pooling=pooling)
    whole = embed_texts(model, texts, config, threads=2)
    np.testing.assert_array_equal(embed_texts(model, texts, config, threads=1), whole)
    np.testing.assert_array_equal(embed_texts(model, texts[::-1], config)[::-1], whole)
    for number in (0, 7, 24):
        np.testing.assert_array_equal(embed_texts(model, [texts[number]], config)[0], whole[number])


@has_int8
def test_two_openings_give_the_same_bits_and_leave_the_weights_alone():
    model = small()
    before = model.parameters.block.copy()
    one, other = (embed_texts(model.in_precision("int8"), TEXTS) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.parameters.block, before)


@has_int8
@pytest.mark.parametrize("changes", [{"ffn": "glu"}, {"hidden_act": "relu"}, {"position": "rope"}])
def test_models_of_other_kinds_are_rounded_as_well(changes):
    known = {name: value for name, value in changes.items() if hasattr(CONFIG, name)}
    model = small(replace(CONFIG, **known))
    settings = settle(model, EmbedConfig())
    found = cosines(model.in_precision("int8"), TEXTS, settings)
    assert found.min() > 0.99


@has_int8
def test_a_model_without_a_tokenizer_is_sampled_by_its_ids():
    model = BertModel(Parameters.initialised(CONFIG, 1), precision="int8")
    sample = sample_of(None, CONFIG)
    assert sample.input_ids.max() < CONFIG.vocab_size
    assert np.diff(sample.offsets).max() <= CONFIG.longest
    states = model.model.hidden_states(sample)[0]
    exact = model.in_precision("float32").model.hidden_states(sample)[0]
    assert 0 < np.abs(states - exact).max() < 0.2


@has_int8
def test_weights_that_are_no_numbers_are_carried_as_in_float32():
    parameters = Parameters.initialised(CONFIG, 1)
    parameters.views["layers.0.ffn.input.weight"][3, 3] = np.nan
    model = BertModel(parameters, small().tokenizer, precision="int8")
    assert np.isnan(embed_texts(model, TEXTS)).all()


@has_int8
def test_a_model_goes_to_other_processes_in_its_precision():
    model = small().in_precision("int8")
    again = pickle.loads(pickle.dumps(model))
    assert again.precision == "int8"
    np.testing.assert_array_equal(embed_texts(again, TEXTS), embed_texts(model, TEXTS))


@has_int8
def test_masks_are_filled_and_compared():
    model = small().in_precision("int8")
    texts = ["the [MASK] sat on [MASK]", "a [MASK]"]
    found = fill_masks(model, texts)
    agreed = mask_agreement(model, texts, found)
    assert agreed.of == 3 and 0 <= agreed.same <= 3 and 0 <= agreed.difference < 0.05


@has_int8
@pytest.mark.parametrize("name", JOBS)
def test_answers_of_each_job_are_compared(name):
    job = Job.of(job_model(name).in_precision("int8"))
    asked = inputs_of(name)
    agreed = answer_agreement(job, asked)
    assert agreed.of == len(asked) and agreed.same <= agreed.of
    assert 0 <= agreed.difference < 0.1
    same = answer_agreement(replace(job, model=job.model.in_precision("float32")), asked)
    assert same == (len(asked), len(asked), 0)


@has_int8
def test_a_folder_is_asked_in_8_bits(tmp_path):
    job_model("classification").save(tmp_path / "m")
    exact = predict(tmp_path / "m", TEXTS)
    found = predict(tmp_path / "m", TEXTS, precision="int8")
    pairs = [(a.probabilities, b.probabilities) for a, b in zip(found, exact, strict=True)]
    assert all(one == pytest.approx(other, abs=0.05) for one, other in pairs)
    assert any(one != other for one, other in pairs)


@has_int8
def test_nothing_is_learned_in_8_bits():
    model = small().in_precision("int8").model
    with pytest.raises(ValueError, match="does not learn"):
        sample = sample_of(None, CONFIG)
        space = model.workspace(len(sample.input_ids), len(sample))
        model.loss_and_gradients(sample, Parameters(CONFIG), space)


def test_a_processor_without_the_instruction_is_named(monkeypatch):
    monkeypatch.setattr(processors, "_flags", lambda: {"avx2"})
    with pytest.raises(ConfigError, match="takes AVX512_VNNI, which this processor has not") as ran:
        small().in_precision("int8")
    assert "Cascade Lake" in ran.value.hint


def test_precisions_are_known_by_name():
    with pytest.raises(ConfigError, match=r"precision='int4' is not one of .*int8"):
        small().in_precision("int4")
    assert small().precision == "float32"


def test_some_numbers_below_a_count():
    assert evenly(1) == [0] and evenly(3) == [0, 1, 2]
    found = evenly(1000)
    assert len(found) == 32 and found[0] == 0 and found[-1] == 999


def test_figures_side_by_side_leave_out_what_is_no_figure():
    ours = {"loss": 2.5, "split": "train", "tokens": 4, "perplexity": 12.0}
    found = differences(ours, {"loss": 2.25, "split": "train", "tokens": 4})
    assert found == {"loss": {"float32": 2.25, "int8": 2.5, "difference": 0.25}}


def test_a_vocabulary_of_special_tokens_alone_has_a_sample():
    vocabulary = tokenizer()
    only = replace(CONFIG, vocab_size=1 + min(vocabulary.ids[t] for t in vocabulary.roles.values()))
    found, wanted = sample_of(vocabulary, only), sample_of(None, only)
    assert (found.input_ids == wanted.input_ids).all() and (found.offsets == wanted.offsets).all()
