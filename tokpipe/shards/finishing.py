"""The last steps of a shard folder: final names, what `datasets` wants, README, manifest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stored_work import named_in_the_end
from tokpipe.shards.dataset_files import write_dataset_files
from tokpipe.shards.reader import KIND, shard_name
from tokpipe.shards.readme import readme
from tokpipe.shards.split_files import SplitFiles
from tokpipe.shards.vocabulary import TOKENIZER, TOKENIZER_CONFIG, Vocabulary
from tokpipe.tokenizer.folder import transformers_config


def finish_folder(
    folder: Path,
    splits: Sequence[SplitFiles],
    vocabulary: Vocabulary,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    more: Mapping[str, Any],
) -> dict[str, Counter[str]]:
    """Write everything beside the finished shards, the manifest last; return each split's tally.

    `settings` are by stage, and "seed"; `inputs` are digests; `more` are further facts.
    """
    files = {split.name: _names(split) for split in splits}
    names = {
        name: split.path(number).relative_to(split.folder).as_posix()
        for split in splits
        for number, name in enumerate(files[split.name])
    }
    named_in_the_end(folder, splits[0].folder, names)
    tallies = {split.name: split.tally() for split in splits}
    seed = settings["seed"]
    stages = {name: stage for name, stage in settings.items() if name != "seed"}
    facts = {
        "vocab_size": vocabulary.tokenizer.vocab_size,
        "shards": {
            split.name: [{"rows": s.rows, "tokens": s.tokens} for s in split.finished]
            for split in splits
        },
        "tally": {name: dict(sorted(tally.items())) for name, tally in tallies.items()},
        **more,
    }
    manifest = Manifest(kind=KIND, settings=stages, inputs=inputs, facts=facts, seed=seed)
    key = f"{sorted(inputs.items())} {sorted(stages.items())} {seed} {vocabulary.digest}"
    columns, tokenizer = splits[0].layout.columns, vocabulary.tokenizer
    others = write_dataset_files(folder, columns, files, key)
    longest = stages["examples"]["max_seq_length"]
    texts = {
        TOKENIZER: vocabulary.document,
        TOKENIZER_CONFIG: transformers_config(tokenizer.spec, tokenizer.roles, longest),
        "README.md": readme(manifest, columns).encode(),
    }
    for name, content in texts.items():
        with storage_errors(folder / name):
            (folder / name).write_bytes(content)
    known = {
        name: {"bytes": shard.size, "sha256": shard.file_sha256}
        for split in splits
        for name, shard in zip(files[split.name], split.finished, strict=True)
    }
    manifest.write(folder, [*others, *texts], known)
    return tallies


def _names(split: SplitFiles) -> list[str]:
    """Return the final names of the shards of a split."""
    count = len(split.finished)
    return [shard_name(split.name, number, count) for number in range(count)]
