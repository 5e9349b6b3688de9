"""Model folders with what sentence-transformers says beside them."""

import json

from tests.unit.tasks.models import CONFIG, small

CLASSES = "sentence_transformers.models"
MEAN = {"word_embedding_dimension": CONFIG.hidden_size, "pooling_mode_mean_tokens": True}


def modules(*kinds):
    paths = ["", *(f"{number}_{kind}" for number, kind in enumerate(kinds) if number)]
    return [
        {"idx": number, "name": str(number), "path": path, "type": f"{CLASSES}.{kind}"}
        for number, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]


def put(folder, name, content):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))


def sentence_model(folder, *, pooling=None, normalize=False, length=None, prompts=None, model=None):
    """Write a small model and the files beside it; return the folder."""
    (model or small()).save(folder)
    kinds = ["Transformer", "Pooling", *["Normalize"] * normalize]
    put(folder, "modules.json", modules(*kinds))
    put(folder, "1_Pooling/config.json", MEAN if pooling is None else pooling)
    for name, content in (
        ("sentence_bert_config.json", length),
        ("config_sentence_transformers.json", prompts),
    ):
        if content is not None:
            put(folder, name, content)
    return folder
