"""Write ten losses of training with torch: `python -m tests.golden.make_training`, with peers."""

import json
from pathlib import Path

from tests.unit.bert.models import judged_batch
from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.training.config import TrainingConfig
from tokpipe.training.schedule import Schedule

GOLDEN = Path(__file__).parent / "training.json"
STEPS = 10
MODEL = BertConfig.preset("tiny", vocab_size=900, max_position_embeddings=128)
TRAINING = TrainingConfig(
    steps=STEPS, learning_rate=2e-3, warmup_steps=3, weight_decay=0.1, gradient_shards=3
)


def start():
    """Return the weights to begin with, and the batch of every step."""
    return Parameters.initialised(MODEL, 7), judged_batch(MODEL)


def judge():
    """Return loss and length of the gradient of each step, as torch's AdamW makes them."""
    import torch

    from tests.parity import torch_bert

    parameters, batch = start()
    model = torch_bert.torch_model(MODEL, "bert")
    torch_bert.put_weights(model, parameters.views, torch_bert.BERT)
    named = list(model.named_parameters())
    plain = [p for name, p in named if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in named if not (name.endswith("bias") or "LayerNorm" in name)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
        betas=(TRAINING.adam_beta1, TRAINING.adam_beta2),
        eps=TRAINING.adam_epsilon,
    )
    schedule, found = Schedule(TRAINING, STEPS), []
    label = torch.tensor(batch.next_sentence_label, dtype=torch.long)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate(step, 0)
        optimizer.zero_grad()
        out = model(**torch_bert.padded(batch, MODEL.pad_token_id), next_sentence_label=label)
        out.loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), TRAINING.max_grad_norm)
        optimizer.step()
        found.append([out.loss.item(), norm.item()])
    return found


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(judge(), indent=1) + "\n")
