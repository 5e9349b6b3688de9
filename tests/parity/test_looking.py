"""What views and chapters show of a model folder is what transformers computes with it."""

import os
import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from tests.golden.families import CONFIGS, drawn
from tests.unit.tasks.models import TOKENS, tokenizer
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.chapters import (
    activations,
    add_norm,
    attention,
    contextual,
    encoder,
    ffn,
    inputs,
    mlm,
    multi_head,
    nsp,
    position,
)
from tokpipe.inspection.chapters.chapter import Grid
from tokpipe.inspection.terminal import attention_head, attention_neuron
from tokpipe.tasks.attention import Attention
from tokpipe.tasks.attention import attention as look
from tokpipe.tasks.model import BertModel

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

FAMILIES = ("bert", "roberta", "distilbert", "albert", "mpnet")
TEXT = "the cats sat on the old mat"
PLACE = 4  # of "sat"


class Both(NamedTuple):
    """Our model and what it sees, and what transformers makes of the same folder and text."""

    model: BertModel
    seen: Attention
    weights: list
    states: list
    inside: list  # before the activation, layer by layer
    backwards: np.ndarray  # last states of the text with its words turned round
    parameters: int  # of all layers


_IN = re.compile(r"(encoder|transformer)\.(layer|albert_layer_groups)")


@pytest.fixture(scope="module", params=FAMILIES)
def both(request, tmp_path_factory):
    """Our model and what it sees, and what transformers makes of the same folder and text."""
    config = replace(CONFIGS[request.param], vocab_size=len(TOKENS), mlm_head=False, nsp_head=False)
    folder = tmp_path_factory.mktemp(request.param) / "m"
    BertModel(drawn(config), tokenizer()).save(folder)
    model = BertModel.load(folder)
    theirs = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    seen = look(model, TEXT)
    inside = []
    for part in theirs.modules():
        if isinstance(part, torch.nn.Linear) and part.out_features == config.intermediate_size:
            part.register_forward_hook(lambda *call: inside.append(call[2][0].numpy()))
    with torch.no_grad():
        out = theirs(torch.tensor([seen.ids]), output_attentions=True, output_hidden_states=True)
        first = inside[:]
        turned = [seen.ids[0], *seen.ids[-2:0:-1], seen.ids[-1]]
        backwards = theirs(torch.tensor([turned])).last_hidden_state[0].numpy()
    weights = [layer[0].numpy() for layer in out.attentions]
    states = [state[0].numpy() for state in out.hidden_states]
    parameters = sum(
        p.numel() for n, p in theirs.named_parameters() if "layer" in n and _IN.search(n)
    )
    return Both(model, seen, weights, states, first, backwards, parameters)


def chapter_grids(module, both, **wanted):
    model, seen = both[:2]
    chapter = module.real(choose("m", seen, Wanted(**wanted), module), model)
    return {one.name: one for step in chapter.steps for one in step.shown if isinstance(one, Grid)}


def near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layer", [1, 3])
def test_views_print_their_weights(both, layer):
    seen, weights = both.seen, both.weights
    chosen = choose("m", seen, Wanted(layer=layer, head="all"), attention_head)
    looks = attention_head.content(chosen)["looks"]
    found = np.array([one["weights"] for one in looks]).transpose(1, 0, 2)
    near(found, weights[layer - 1])  # 1.2e-6 in the third layer, on an AMD
    for head in (1, 3):
        chosen = choose("m", seen, Wanted(layer=layer, head=str(head), token="4"), attention_neuron)
        keys = attention_neuron.content(chosen)["keys"]
        scores = np.array([key["score"] for key in keys])
        near(np.exp(scores) / np.exp(scores).sum(), weights[layer - 1][head - 1, PLACE])


@pytest.mark.parametrize("layer", [1, 3])
def test_chapters_on_attention_have_their_weights(both, layer):
    weights = both.weights[layer - 1]
    for head in (1, 3):
        found = chapter_grids(attention, both, layer=layer, head=str(head), token="4")
        near(found["from scores to weights"].values[:, 2], weights[head - 1, PLACE])
    found = chapter_grids(multi_head, both, layer=layer, token="4")
    near(found["weights of 4 sat"].values, weights[:, PLACE])


def test_chapters_on_sums_end_in_their_states(both):
    seen, states = both.seen, both.states
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
    model, seen, _, states, *_ = both
    told = inputs.real(choose("m", seen, Wanted(), inputs), model)
    near(told.steps[-1].shown[0].values, states[0])
    others = [choose("m", one, Wanted(token="cat"), contextual) for one in (seen, seen)]
    cosines = contextual.real(others[0], model, others[1]).steps[2].shown[0].values
    near(cosines, np.ones_like(cosines))


def test_what_a_text_brings_to_the_activation_is_theirs(both):
    found = chapter_grids(activations, both)["numbers before the activation"].values
    expected = [[x.min(), x.max(), (x > 0).mean()] for x in both.inside]
    near(found[:, :3], expected)


def test_a_text_turned_round_differs_as_theirs_does(both):
    found = chapter_grids(position, both)["largest difference"].values
    plain = slice(1, len(both.seen) - 1)
    gaps = abs(both.states[-1] - both.backwards[[0, *range(len(both.seen) - 2, 0, -1), -1]])
    near(found[:, 1], gaps[plain].max(1))
    assert found[:, 0].max() < 1e-5 < found[:, 1].min()


def test_parameters_of_the_layers_are_theirs(both):
    model, seen = both[:2]
    told = encoder.real(choose("m", seen, Wanted(), encoder), model)
    (stack,) = told.steps[1].shown
    assert round(stack.values[0, 0] * 1e6) == both.parameters


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
