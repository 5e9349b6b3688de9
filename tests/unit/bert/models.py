"""Small models and batches for the tests of the model."""

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.batch import Batch

SMALL = {
    "vocab_size": 19,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 16,
    "layer_norm_eps": 1e-5,
}


def small_config(**changes):
    return BertConfig(**(SMALL | changes))


def random_parameters(config, seed=0, dtype=np.float64, deviation=0.3):
    """Weights large enough that everything takes part, biases and norms included."""
    parameters = Parameters(config, dtype)
    rng = np.random.default_rng(seed)
    for name, view in parameters.views.items():
        view[...] = rng.standard_normal(view.shape) * deviation + name.endswith("norm.weight")
    return parameters


def random_batch(config, lengths=(5, 1, 7), seed=0, masks=4):
    rng = np.random.default_rng(seed)
    tokens, pairs = sum(lengths), len(lengths)
    segments = rng.integers(0, max(config.type_vocab_size, 1), tokens)
    return Batch(
        input_ids=rng.integers(0, config.vocab_size, tokens).astype(np.int32),
        offsets=np.cumsum([0, *lengths]).astype(np.int32),
        token_type_ids=segments.astype(np.int32),
        masked_positions=np.sort(rng.choice(tokens, masks, replace=False)).astype(np.int32),
        masked_ids=rng.integers(0, config.vocab_size, masks).astype(np.int32),
        next_sentence_label=rng.integers(0, 2, pairs).astype(np.int32),
    )


def measured_slopes(model, batch, places, step=1e-5):
    """Yield of each tensor its name, the slope of the loss in a direction, and the gradient's."""
    views, workspace = model.parameters.views, model.workspace(20, 4, places)
    gradients, spare = model.parameters.zeros_like(), model.parameters.zeros_like()

    def loss():
        return model.loss_and_gradients(batch, spare, workspace, dropout_key=7).total

    model.loss_and_gradients(batch, gradients, workspace, dropout_key=7)
    rng = np.random.default_rng(1)
    for name, view in views.items():
        direction = rng.standard_normal(view.shape)
        before = view.copy()
        view[...] = before + step * direction
        above = loss()
        view[...] = before - step * direction
        slope = (above - loss()) / (2 * step)
        view[...] = before
        yield name, slope, (gradients.views[name] * direction).sum()


def trained(config, seed=0):
    """Initial weights, with norms and biases as if some training had moved them."""
    parameters = Parameters.initialised(config, seed)
    rng = np.random.default_rng(seed)
    for view in parameters.views.values():
        if view.ndim == 1:
            view += rng.standard_normal(view.shape).astype(np.float32) * np.float32(0.05)
    return parameters


def judged_batch(config):
    """The batch that transformers judges, with sequences of one token and of a whole block."""
    return random_batch(config, (128, 31, 90, 1, 64), masks=47)
