"""What a model folder needs beside the model, so that sentence-transformers opens it."""

import json
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.tasks.sentence_folder import FLAGS, LENGTH, MODULES, PROMPTS, SentenceFolder

_CLASSES = "sentence_transformers.models"  # where every release finds them
_POOLING = "1_Pooling"


def sentence_layout(sentence: SentenceFolder, config: BertConfig) -> dict[str, bytes]:
    """Return name and content of the files, in the form that releases from 2 on read.

    Raises
    ------
    ConfigError
        If sentence-transformers has no such pooling.
    """
    flags = {flag: mode in sentence.poolings for flag, mode in FLAGS.items()}
    if tuple(mode for mode in FLAGS.values() if mode in sentence.poolings) != sentence.poolings:
        raise ConfigError(
            f"sentence-transformers cannot be told of pooling {' and '.join(sentence.poolings)}",
            hint=f"It has {', '.join(FLAGS.values())}.",
        )
    limits = [most for most in (sentence.max_length, config.longest) if most is not None]
    paths = {"Transformer": "", "Pooling": _POOLING}
    paths |= {"Normalize": "2_Normalize"} if sentence.normalize else {}
    files = {
        MODULES: [
            {"idx": number, "name": str(number), "path": path, "type": f"{_CLASSES}.{kind}"}
            for number, (kind, path) in enumerate(paths.items())
        ],
        f"{_POOLING}/config.json": {"word_embedding_dimension": config.hidden_size, **flags},
        LENGTH: {
            "max_seq_length": min(limits, default=None),
            "do_lower_case": sentence.lowercase,
        },
        PROMPTS: {
            "prompts": dict(sentence.prompts),
            "default_prompt_name": sentence.default_prompt,
            "similarity_fn_name": sentence.similarity,
        },
    }
    return {name: _json(content) for name, content in files.items()}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
