"""The script that a user of tokenizers writes: train on a file, save."""

import sys

from peers import tokenizers_train

tokenizers_train(sys.argv[1], "byte-bpe", 30_000, 2)()
