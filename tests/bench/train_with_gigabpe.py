"""The script that a user of gigabpe writes: train on a file, save."""

import sys

import gigabpe
from peers import ROBERTA_SPECIALS

gigabpe.train_tokenizer(
    [sys.argv[1]],
    30_000,
    sys.argv[2],
    special_tokens=ROBERTA_SPECIALS,
    min_frequency=2,
    pretokenizer="bytelevel",
)
