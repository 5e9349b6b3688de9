"""Models for a job, and what transformers' own classes make of the same weights and batches."""

from dataclasses import replace

import numpy as np

from tests.unit.bert.models import random_batch, trained
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.jobs import config_for_job
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.bert.huggingface.checkpoint import write_checkpoint
from tokpipe.bert.huggingface.names import their_tensors
from tokpipe.bert.parameters import Parameters

SHAPES = {
    "bert": {},
    "roberta": {"position_offset": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "distilbert": {"type_vocab_size": 0, "pooler": False, "nsp_head": False},
    "albert": {"share_layers": "all", "embedding_size": 64, "hidden_act": "gelu_new"},
    "electra": {"embedding_size": 64, "pooler": False, "nsp_head": False},
}
JOBS = {
    "classification": ("text", ("no", "yes", "perhaps"), "classification"),
    "regression": ("text", (), "regression"),
    "multilabel": ("text", ("a", "b", "c", "d"), "multilabel"),
    "words": ("token", ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"), "classification"),
    "answers": ("span", (), "classification"),
}
CLASSES = {
    "text": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
}
STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def job_config(family, job, size="tiny", **changes):
    source = BertConfig.preset(size, **({"vocab_size": 1000} | SHAPES[family] | changes))
    return config_for_job(source, FAMILIES[family], *JOBS[job])


def weights(config):
    """Weights whose biases and norms differ; classes large enough that their losses do, too."""
    parameters = trained(config)
    for name, view in parameters.views.items():
        if name.startswith(("text.output", "token.output", "span.output")):
            view *= np.float32(10)
    return parameters


def job_batch(config, lengths=(40, 1, 25, 33, 7), seed=0):
    """A batch without the id of padding, with targets of the job."""
    rng, count, tokens = np.random.default_rng(seed), len(lengths), sum(lengths)
    batch = random_batch(config, lengths, seed, masks=1)
    batch.input_ids[:] = np.maximum(batch.input_ids, config.pad_token_id + 1)
    batch = replace(batch, masked_positions=None, masked_ids=None, next_sentence_label=None)
    if config.task == "token":
        places = np.sort(rng.choice(tokens, tokens // 2, replace=False)).astype(np.int32)
        tags = rng.integers(0, config.outputs, len(places)).astype(np.int32)
        return replace(batch, tag_positions=places, tags=tags)
    if config.task == "span":
        spans = np.sort(rng.integers(0, np.array(lengths)[:, None], (count, 2)), 1)
        return replace(batch, answer_spans=spans.astype(np.int32))
    labels = rng.integers(0, config.outputs, count).astype(np.int32)
    if config.problem == "regression":
        labels = rng.standard_normal(count).astype(np.float32)
    if config.problem == "multilabel":
        labels = rng.integers(0, 2, (count, config.outputs)).astype(np.float32)
    return replace(batch, labels=labels)


def their_model(parameters, folder, family):
    """Write a model, and open it with the class of its job; dropout is off."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    write_checkpoint(folder, parameters, family=FAMILIES[family])
    model = getattr(transformers, CLASSES[parameters.config.task]).from_pretrained(folder).eval()
    model.set_attn_implementation("eager")
    return model


def their_pass(model, config, batch):
    """Return loss (to go back from) and logits, packed as ours.

    Answers are looked at one sequence at a time: their class lets them begin in padding, too.
    """
    import torch

    if config.task == "span":
        found = [_answer(model, config, batch, b) for b in range(len(batch))]
        losses, logits = zip(*found, strict=True)
        return torch.stack(losses).mean(), np.concatenate(logits)
    inputs, is_token = _padded(config, batch)
    if config.task == "text":
        kind = torch.long if config.problem == "classification" else torch.float32
        out = model(**inputs, labels=torch.tensor(batch.labels, dtype=kind))
        return out.loss, out.logits.detach().numpy()
    tags = np.full(len(batch.input_ids), -100)
    tags[batch.tag_positions] = batch.tags
    labels = np.full(is_token.shape, -100)
    labels[is_token] = tags
    out = model(**inputs, labels=torch.tensor(labels, dtype=torch.long))
    return out.loss, out.logits.detach().numpy()[is_token][batch.tag_positions]


def their_gradients(model, config, family):
    """Return their gradients as a block of ours, so that fused tensors are compared as one."""
    gradients, theirs = Parameters(config), dict(model.named_parameters())
    for name, part in their_tensors(config, FAMILIES[family]).items():
        part.of(gradients.views)[...] = theirs[name].grad.numpy()
    return gradients


def _answer(model, config, batch, row):
    import torch

    a, b = batch.offsets[row : row + 2]
    inputs = {"input_ids": torch.tensor(batch.input_ids[None, a:b], dtype=torch.long)}
    if config.type_vocab_size > 1:
        inputs["token_type_ids"] = torch.tensor(batch.token_type_ids[None, a:b], dtype=torch.long)
    start, end = (torch.tensor([value]) for value in batch.answer_spans[row].tolist())
    out = model(**inputs, start_positions=start, end_positions=end)
    logits = torch.stack([out.start_logits[0], out.end_logits[0]], 1)
    return out.loss, logits.detach().numpy()


def _padded(config, batch):
    import torch

    lengths = np.diff(batch.offsets)
    is_token = np.arange(lengths.max()) < lengths[:, None]
    arrays = {"input_ids": batch.input_ids, "attention_mask": np.ones_like(batch.input_ids)}
    if config.type_vocab_size > 1:
        arrays["token_type_ids"] = batch.token_type_ids
    fill = {"input_ids": config.pad_token_id}
    inputs = {}
    for name, values in arrays.items():
        filled = np.full(is_token.shape, fill.get(name, 0))
        filled[is_token] = values
        inputs[name] = torch.tensor(filled, dtype=torch.long)
    return inputs, is_token
