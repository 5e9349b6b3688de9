"""The script that a user of datatrove writes: tokens of JSON lines into files, a task a worker."""

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer

if __name__ == "__main__":
    inputs, tokenizer, output, workers = sys.argv[1:]
    Path(output).mkdir()
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(inputs),
            DocumentTokenizer(f"{output}/tokens", tokenizer, shuffle_documents=False),
        ],
        tasks=int(workers),
        workers=int(workers),
        logging_dir=f"{output}/logs",
    ).run()
    folder = Path(output, "tokens")
    tokens = sum(path.stat().st_size for path in folder.glob("*.ds")) // 2
    documents = sum(path.stat().st_size for path in folder.glob("*.ds.index")) // 8
    print(tokens - 2 * documents)  # without [CLS] and [SEP]
