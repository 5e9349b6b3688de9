"""The script that a user of datatrove writes: count the words of JSON lines, a task a worker."""

import json
import sys
from collections import Counter
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.readers import JsonlReader


class CountWords(PipelineStep):
    """Counts the words of what a task reads."""

    name = "count words"

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def run(self, data, rank=0, world_size=1):
        """Count, and write the counts of this task."""
        counts = Counter()
        for document in data:
            counts.update(document.text.split())
            yield document
        Path(self.folder, f"{rank}.json").write_text(json.dumps(counts))


if __name__ == "__main__":
    inputs, output, workers = sys.argv[1:]
    Path(output).mkdir()
    LocalPipelineExecutor(
        pipeline=[JsonlReader(inputs), CountWords(output)],
        tasks=int(workers),
        workers=int(workers),
        logging_dir=f"{output}/logs",
    ).run()
    counts = Counter()
    for path in sorted(Path(output).glob("*.json")):
        counts.update(json.loads(path.read_text()))
    print(f"{len(counts)} {sum(counts.values())}")
