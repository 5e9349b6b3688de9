"""The README of a shard folder: what it holds, and how to open it."""

import json

from tokpipe.foundation.manifest import Manifest
from tokpipe.shards.schema import Column

_MEANINGS = {
    "input_ids": "token ids, special tokens included, no padding",
    "segment_b_start": "how many tokens stand before segment B: `token_type_ids` are 0 up to "
    "there and 1 from there on; all of them if the tokenizer gives both segments the type 0",
    "next_sentence_label": "0: B follows A; 1: B is from another document",
    "sentence_order_label": "0: A comes first; 1: the two segments are swapped",
    "masked_lm_positions": "which tokens are to be predicted",
    "masked_lm_ids": "what stood there",
    "labels": "what stood in masked places, -100 elsewhere",
    "token_type_ids": "0 for segment A, 1 for segment B",
    "attention_mask": "1 for every token",
}
_DYNAMIC = """\
No masks are stored: `tokpipe pretrain` draws them anew in each epoch. So does transformers:

```python
import datasets, transformers
train = datasets.load_from_disk("{folder}")["train"].select_columns("input_ids")
tokenizer = transformers.AutoTokenizer.from_pretrained("{folder}")
collator = transformers.DataCollatorForLanguageModeling(tokenizer)
batch = collator([train[i] for i in range(8)])
```
"""
_STATIC = """\
Masks are stored: `input_ids` hold them already, and `masked_lm_ids` what they hide.
"""
_DENSE = """\
Masks are stored: `input_ids` hold them already, and `labels` what they hide. transformers pads:

```python
import datasets, transformers
train = datasets.load_from_disk("{folder}")["train"].select_columns({wanted})
tokenizer = transformers.AutoTokenizer.from_pretrained("{folder}")
collator = transformers.DataCollatorForTokenClassification(tokenizer)
batch = collator([train[i] for i in range(8)])
```
"""
_RECIPES = {"bert": "BERT", "roberta": "RoBERTa"}
_FOR_MODELS = ("input_ids", "token_type_ids", "attention_mask", "labels", "next_sentence_label")


def readme(manifest: Manifest, columns: tuple[Column, ...]) -> str:
    """Return the text, in Markdown, about a folder of some columns."""
    examples, masks = manifest.settings["examples"], manifest.settings["masks"]
    lines = [
        "# Pretraining shards",
        "",
        f"Examples after {_RECIPES[examples['recipe']]}'s recipe, {masks['masking']} masking, at "
        f"most {examples['max_seq_length']} tokens each; made by tokpipe {manifest.version}.",
        "",
        "| split | examples | tokens | files |",
        "|---|---|---|---|",
    ]
    for split, shards in manifest.facts["shards"].items():
        rows, tokens = (sum(shard[key] for shard in shards) for key in ("rows", "tokens"))
        lines.append(f"| {split} | {rows:,} | {tokens:,} | {len(shards)} |")
    lines += ["", "| column | type | meaning |", "|---|---|---|"]
    for column in columns:
        kind = f"list of {column.dtype}" if column.is_list else column.dtype
        lines.append(f"| `{column.name}` | {kind} | {_MEANINGS[column.name]} |")
    lines += ["", _opening(masks["masking"], [column.name for column in columns])]
    return "\n".join(lines)


def _opening(masking: str, columns: list[str]) -> str:
    text = (
        "The files are Arrow IPC streams, so that they map into memory:\n\n"
        "```python\n"
        'import datasets\ndatasets.load_from_disk("shards")\n'
        "```\n\n"
        "`tokpipe inspect shards`, `tokpipe check` and `tokpipe pretrain` take the folder as it "
        "is; `tokpipe.json` says what it was made from, with the hash of every file.\n\n"
    )
    wanted = json.dumps([name for name in _FOR_MODELS if name in columns])
    dense = _DENSE if "labels" in columns else _STATIC
    snippet = dense if masking == "static" else _DYNAMIC
    return text + snippet.format(folder="shards", wanted=wanted)
