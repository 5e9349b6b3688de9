"""What views and chapters show of a model folder is what transformers computes with it."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tests.golden.families import CONFIGS, drawn
from tests.unit.tasks.models import TOKENS, tokenizer
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.chapters import (
    add_norm,
    attention,
    contextual,
    ffn,
    inputs,
    mlm,
    multi_head,
    nsp,
)
from tokpipe.inspection.chapters.chapter import Grid
from tokpipe.inspection.terminal import attention_head, attention_neuron
from tokpipe.tasks.attention import attention as look
from tokpipe.tasks.model import BertModel

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

FAMILIES = ("bert", "roberta", "distilbert", "albert", "mpnet")
TEXT = "the cats sat on the old mat"
PLACE = 4  # of "sat"


@pytest.fixture(scope="module", params=FAMILIES)
def both(request, tmp_path_factory):
    """Our model and what it sees, and what transformers makes of the same folder and text."""
    config = replace(CONFIGS[request.param], vocab_size=len(TOKENS), mlm_head=False, nsp_head=False)
    folder = tmp_path_factory.mktemp(request.param) / "m"
    BertModel(drawn(config), tokenizer()).save(folder)
    model = BertModel.load(folder)
    theirs = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    seen = look(model, TEXT)
    with torch.no_grad():
        out = theirs(torch.tensor([seen.ids]), output_attentions=True, output_hidden_states=True)
    weights = [layer[0].numpy() for layer in out.attentions]
    states = [state[0].numpy() for state in out.hidden_states]
    return model, seen, weights, states


def chapter_grids(module, both, **wanted):
    model, seen = both[:2]
    chapter = module.real(choose("m", seen, Wanted(**wanted), module), model)
    return {one.name: one for step in chapter.steps for one in step.shown if isinstance(one, Grid)}


def near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layer", [1, 3])
def test_views_print_their_weights(both, layer):
    _, seen, weights, _ = both
    chosen = choose("m", seen, Wanted(layer=layer, head="all"), attention_head)
    looks = attention_head.content(chosen)["looks"]
    found = np.array([one["weights"] for one in looks]).transpose(1, 0, 2)
    np.testing.assert_allclose(found, weights[layer - 1], atol=1e-6, rtol=0)
    for head in (1, 3):
        chosen = choose("m", seen, Wanted(layer=layer, head=str(head), token="4"), attention_neuron)
        keys = attention_neuron.content(chosen)["keys"]
        scores = np.array([key["score"] for key in keys])
        near(np.exp(scores) / np.exp(scores).sum(), weights[layer - 1][head - 1, PLACE])


@pytest.mark.parametrize("layer", [1, 3])
def test_chapters_on_attention_have_their_weights(both, layer):
    weights = both[2][layer - 1]
    for head in (1, 3):
        found = chapter_grids(attention, both, layer=layer, head=str(head), token="4")
        near(found["from scores to weights"].values[:, 2], weights[head - 1, PLACE])
    found = chapter_grids(multi_head, both, layer=layer, token="4")
    near(found["weights of 4 sat"].values, weights[:, PLACE])


def test_chapters_on_sums_end_in_their_states(both):
    _, seen, _, states = both
    for layer in seen.layers:
        wanted = {"layer": layer.number, "token": "4"}
        found = chapter_grids(ffn, both, **wanted)
        total, norm = found["sum"].values[0].astype(np.float64), layer.ffn.norm
        eps = both[0].config.layer_norm_eps
        normed = (total - total.mean()) / np.sqrt(total.var() + eps) * norm.weight + norm.bias
        near(normed, states[layer.number][PLACE])
        found = chapter_grids(add_norm, both, **wanted)
        near(found["x"].values[0], states[layer.number - 1][PLACE])
        near(found["spreads"].values[0, -1], states[layer.number][PLACE].std())


def test_what_goes_in_is_theirs(both):
    model, seen, _, states = both
    told = inputs.real(choose("m", seen, Wanted(), inputs), model)
    near(told.steps[-1].shown[0].values, states[0])
    others = [choose("m", one, Wanted(token="cat"), contextual) for one in (seen, seen)]
    cosines = contextual.real(others[0], model, others[1]).steps[2].shown[0].values
    near(cosines, np.ones_like(cosines))


def test_guesses_of_masks_and_pairs_are_theirs(tmp_path):
    config = replace(CONFIGS["bert"], vocab_size=len(TOKENS))
    BertModel(drawn(config), tokenizer()).save(tmp_path / "m")
    model = BertModel.load(tmp_path / "m")
    theirs = transformers.BertForPreTraining.from_pretrained(tmp_path / "m").eval()
    seen = look(model, "the cats sat on the [MASK]", "it ran")
    with torch.no_grad():
        out = theirs(torch.tensor([seen.ids]), token_type_ids=torch.tensor([seen.segments]))
    place = seen.tokens.index("[MASK]")
    shares = torch.softmax(out.prediction_logits[0, place], 0).numpy()
    told = mlm.real(choose("m", seen, Wanted(), mlm), model)
    highest, likeliest = told.steps[-2].shown[0], told.steps[-1].shown[0]
    order = np.argsort(-shares, kind="stable")[:8]
    near(likeliest.values[:, 0] / 100, shares[order])
    near(highest.values[:, 2], out.prediction_logits[0, place].numpy()[order])
    told = nsp.real(choose("m", seen, Wanted(), nsp), model)
    pair = torch.softmax(out.seq_relationship_logits[0], 0).numpy()
    near(told.steps[-1].shown[0].values[0], pair)
