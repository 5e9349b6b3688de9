"""Makes jobs.json: what transformers' heads of jobs make of small models of each family.

Run where transformers is installed: ``python -m tests.golden.jobs``. The weights are drawn from a
generator whose numbers never change, so that the test draws the same ones without transformers.
"""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.families import drawn
from tests.golden.make_bert import projections
from tests.parity.job_judge import (
    JOBS,
    SHAPES,
    job_batch,
    job_config,
    their_gradients,
    their_model,
    their_pass,
)
from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.batch import Batch

FILE = Path(__file__).with_suffix(".json")
CASES = {f"{family}, {job}": (family, job) for family in SHAPES for job in JOBS}
_SMALL = {
    "vocab_size": 40,
    "hidden_size": 24,
    "num_attention_heads": 3,
    "intermediate_size": 32,
    "max_position_embeddings": 16,
}


def case(name: str) -> tuple[BertConfig, Parameters, Batch]:
    """Return a model's settings and weights, and its batch."""
    config = job_config(*CASES[name], **_SMALL)
    return config, drawn(config), job_batch(config, (9, 1, 14, 5))


def main() -> None:
    """Write the file."""
    logging.disable(logging.WARNING)
    FILE.write_text(json.dumps({name: _outputs(name) for name in CASES}, indent=1) + "\n")


def _outputs(name: str) -> dict[str, Any]:
    config, parameters, batch = case(name)
    family = CASES[name][0]
    with tempfile.TemporaryDirectory() as folder:
        model = their_model(parameters, Path(folder), family)
    loss, logits = their_pass(model, config, batch)
    loss.backward()
    slopes = their_gradients(model, config, family).views
    return {
        "loss": loss.item(),
        "logits": np.round(logits.astype(np.float64), 6).tolist(),
        "gradients": {key: [round(x, 7) for x in projections(slopes[key])] for key in slopes},
    }


if __name__ == "__main__":
    main()
