"""The judge of the model: transformers' own, given our weights and our batch with padding."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.batch import Batch

# Written apart from tokpipe.bert.huggingface: a judge does not ask the judged for names.
_EMBEDDINGS = {
    "embeddings.token": "embeddings.word_embeddings.weight",
    "embeddings.position": "embeddings.position_embeddings.weight",
    "embeddings.segment": "embeddings.token_type_embeddings.weight",
    "embeddings.norm": "embeddings.LayerNorm",
}
BERT = {
    **{name: f"bert.{theirs}" for name, theirs in _EMBEDDINGS.items()},
    "attention.qkv": [f"attention.self.{part}" for part in ("query", "key", "value")],
    "attention.output": "attention.output.dense",
    "attention.norm": "attention.output.LayerNorm",
    "ffn.input": "intermediate.dense",
    "ffn.output": "output.dense",
    "ffn.norm": "output.LayerNorm",
    "layer": "bert.encoder.layer.{}.",
    "pooler": "bert.pooler.dense",
    "mlm.transform": "cls.predictions.transform.dense",
    "mlm.norm": "cls.predictions.transform.LayerNorm",
    "mlm.bias": "cls.predictions.bias",
    "nsp": "cls.seq_relationship",
}
ALBERT = {
    **{name: f"albert.{theirs}" for name, theirs in _EMBEDDINGS.items()},
    "embeddings.projection": "albert.encoder.embedding_hidden_mapping_in",
    "attention.qkv": [f"attention.{part}" for part in ("query", "key", "value")],
    "attention.output": "attention.dense",
    "attention.norm": "attention.LayerNorm",
    "ffn.input": "ffn",
    "ffn.output": "ffn_output",
    "ffn.norm": "full_layer_layer_norm",
    "layer": "albert.encoder.albert_layer_groups.0.albert_layers.{}.",
    "pooler": "albert.pooler",
    "mlm.transform": "predictions.dense",
    "mlm.norm": "predictions.LayerNorm",
    "mlm.bias": "predictions.bias",
    "nsp": "sop_classifier.classifier",
}
PRE_NORM = BERT | {
    **{name: f"roberta_prelayernorm.{theirs}" for name, theirs in _EMBEDDINGS.items()},
    "attention.norm": "attention.LayerNorm",
    "ffn.norm": "intermediate.LayerNorm",
    "layer": "roberta_prelayernorm.encoder.layer.{}.",
    "final_norm": "roberta_prelayernorm.LayerNorm",
    "mlm.transform": "lm_head.dense",
    "mlm.norm": "lm_head.layer_norm",
    "mlm.bias": "lm_head.bias",
}


def torch_model(config: BertConfig, family: str):
    """Return transformers' model of our shape, dropout off."""
    shape = {
        name: getattr(config, name)
        for name in (
            *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
            *("intermediate_size", "hidden_act", "max_position_embeddings", "type_vocab_size"),
            *("layer_norm_eps", "pad_token_id"),
        )
    } | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    if family == "bert":
        return transformers.BertForPreTraining(transformers.BertConfig(**shape))
    if family == "albert":
        shape |= {"embedding_size": config.embedding_width, "classifier_dropout_prob": 0.0}
        return transformers.AlbertForPreTraining(transformers.AlbertConfig(**shape))
    pre_norm = transformers.RobertaPreLayerNormConfig(**shape)
    return transformers.RobertaPreLayerNormForMaskedLM(pre_norm)


def names(name: str, table: dict) -> list[str]:
    """Return their names for one of our tensors: three where ours is fused."""
    prefix = ""
    if name.startswith("layers."):
        _, number, name = name.split(".", 2)
        prefix = table["layer"].format(number)
    if name in table:
        found, suffix = table[name], ""
    else:
        stem, suffix = name.rsplit(".", 1)
        found, suffix = table[stem], f".{suffix}"
    return [prefix + part + suffix for part in ([found] if isinstance(found, str) else found)]


def put_weights(model, views: dict, table: dict) -> None:
    """Copy our weights into their model."""
    theirs = dict(model.named_parameters())
    given = set()
    for name, view in views.items():
        targets = [theirs[other] for other in names(name, table)]
        given.update(names(name, table))
        for target, values in zip(targets, np.split(view, len(targets)), strict=True):
            target.data = torch.tensor(values, dtype=target.dtype)
    model.tie_weights()
    assert set(dict(model.named_parameters())) <= given, "a tensor of theirs got no weights"


def gradients_of(model, views: dict, table: dict) -> dict[str, np.ndarray]:
    """Return their gradients under our names, fused as ours."""
    theirs = dict(model.named_parameters())
    return {
        name: np.concatenate([theirs[n].grad.numpy() for n in names(name, table)]) for name in views
    }


def padded(batch: Batch, pad: int) -> dict[str, torch.Tensor]:
    """Return the batch as transformers takes it: [B, S], padded, labels -100 where unmasked."""
    lengths = np.diff(batch.offsets)
    shape = len(lengths), lengths.max()
    is_token = np.arange(shape[1]) < lengths[:, None]
    labels = np.full(len(batch.input_ids), -100)
    labels[batch.masked_positions] = batch.masked_ids
    arrays = {"input_ids": np.full(shape, pad), "token_type_ids": np.zeros(shape, int)}
    arrays |= {"labels": np.full(shape, -100), "attention_mask": is_token.astype(int)}
    arrays["input_ids"][is_token] = batch.input_ids
    arrays["token_type_ids"][is_token] = batch.token_type_ids
    arrays["labels"][is_token] = labels
    return {name: torch.tensor(array, dtype=torch.long) for name, array in arrays.items()}


def unpadded(values: torch.Tensor, batch: Batch) -> np.ndarray:
    """Return [B, S, …] as [T, …]."""
    lengths = np.diff(batch.offsets)
    is_token = np.arange(values.shape[1]) < lengths[:, None]
    return values.detach().numpy()[is_token]
