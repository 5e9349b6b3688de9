"""Makes families.json: what transformers computes with small models of each family.

Run where transformers is installed: ``python -m tests.golden.families``. The weights are drawn from
a generator whose numbers never change, so that the test draws the same ones without transformers.
"""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters

FILE = Path(__file__).with_suffix(".json")
_SHAPE = {
    "vocab_size": 40,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 32,
    "max_position_embeddings": 16,
}
CONFIGS = {
    "bert": BertConfig(**_SHAPE),
    "roberta": BertConfig(
        **_SHAPE,
        position_offset=2,
        pad_token_id=1,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pooler=False,
        nsp_head=False,
    ),
    "distilbert": BertConfig(**_SHAPE, type_vocab_size=0, pooler=False, nsp_head=False),
    "albert": BertConfig(
        **_SHAPE, share_layers="all", embedding_size=8, hidden_act="gelu_new", nsp_head=False
    ),
    "albert of one width": BertConfig(**_SHAPE, share_layers="all", nsp_head=False),
    "electra": BertConfig(**_SHAPE, embedding_size=8, pooler=False, nsp_head=False),
    "electra of one width": BertConfig(**_SHAPE, type_vocab_size=1, pooler=False, nsp_head=False),
    "mpnet": BertConfig(
        **_SHAPE,
        position="learned-relative",
        position_offset=2,
        pad_token_id=1,
        type_vocab_size=0,
        pooler=False,
        nsp_head=False,
    ),
    "bert without segments": BertConfig(**_SHAPE, type_vocab_size=0, hidden_act="tanh"),
    "mpnet of distances": BertConfig(
        **_SHAPE, position="relative", type_vocab_size=0, pooler=False, nsp_head=False
    ),
    "mpnet of distances and a segment": BertConfig(
        **_SHAPE, position="relative", type_vocab_size=1, pooler=False, nsp_head=False
    ),
}
SEQUENCES = [[2, 10, 11, 4, 13, 3], [2, 30, 31, 3, 8, 7, 6, 39, 3], [2, 3]]


def drawn(config: BertConfig) -> Parameters:
    """Return weights that are the same wherever they are drawn."""
    parameters = Parameters(config)
    draw = np.random.RandomState(5)
    for name, view in parameters.views.items():
        values = draw.standard_normal(view.shape) * (0.1 if "norm" in name else 0.3)
        view[...] = values + name.endswith("norm.weight")
    return parameters


def segments(config: BertConfig, ids: list[int]) -> list[int]:
    """Return 1 for the second half of a sequence, where the model has two segments."""
    half = len(ids) // 2
    return [int(i >= half and config.type_vocab_size > 1) for i in range(len(ids))]


def main() -> None:
    """Write the file."""
    logging.disable(logging.WARNING)
    found = {name: _outputs(config) for name, config in CONFIGS.items()}
    FILE.write_text(json.dumps(found) + "\n", encoding="utf-8")


def _outputs(config: BertConfig) -> list[dict[str, Any]]:
    import torch
    import transformers

    from tokpipe.bert.huggingface.checkpoint import write_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), drawn(config))
        model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    found = []
    for ids in SEQUENCES:
        inputs = {"input_ids": torch.tensor([ids])}
        if config.type_vocab_size > 1:
            inputs["token_type_ids"] = torch.tensor([segments(config, ids)])
        with torch.no_grad():
            out = model(**inputs, output_hidden_states=True)
        found.append(
            {
                "hidden": _rounded(out.hidden_states[-1][0, :, :4]),
                "logits": _rounded(out.logits[0, :, :6]),
            }
        )
    return found


def _rounded(values: Any) -> list[list[float]]:
    return [[round(float(value), 6) for value in row] for row in values]


if __name__ == "__main__":
    main()
