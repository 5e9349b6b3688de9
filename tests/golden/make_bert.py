"""Write what transformers makes of our weights: `python -m tests.golden.make_bert`, with peers.

Numbers only: losses, some logits, and for each gradient its length and some projections of it.
"""

import json
from pathlib import Path

import numpy as np

from tests.unit.bert.models import judged_batch, trained
from tokpipe.bert.config import BertConfig

GOLDEN = Path(__file__).parent / "bert.json"
PRESETS = ("tiny", "small")
PROJECTIONS, SPREAD = 3, 20_000


def projections(gradient):
    """Return the length of a gradient, and products of evenly spread values with random signs.

    In float64: a length summed in float32 over four million values is wrong by 1e-4, by another
    amount on each kind of processor.
    """
    flat = np.asarray(gradient).reshape(-1)
    spread = flat[:: -(-flat.size // SPREAD)].astype(np.float64)
    signs = np.random.default_rng(5).integers(0, 2, (PROJECTIONS, spread.size)) * 2.0 - 1
    length = np.linalg.norm(flat.astype(np.float64))
    return [float(length), *(signs @ spread / np.sqrt(spread.size)).tolist()]


def judge(preset):
    import torch

    from tests.parity import torch_bert

    config = BertConfig.preset(preset)
    parameters, batch = trained(config), judged_batch(config)
    model = torch_bert.torch_model(config, "bert")
    torch_bert.put_weights(model, parameters.views, torch_bert.BERT)
    label = torch.tensor(batch.next_sentence_label, dtype=torch.long)
    out = model(**torch_bert.padded(batch, config.pad_token_id), next_sentence_label=label)
    out.loss.backward()
    slopes = torch_bert.gradients_of(model, parameters.views, torch_bert.BERT)
    logits = torch_bert.unpadded(out.prediction_logits, batch)[batch.masked_positions]
    return {
        "loss": out.loss.item(),
        "mlm_logits": logits[::6, ::3001].tolist(),
        "nsp_logits": out.seq_relationship_logits.tolist(),
        "gradients": {name: projections(slope) for name, slope in slopes.items()},
    }


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({preset: judge(preset) for preset in PRESETS}, indent=1) + "\n")
