"""Kernels of encoding: WordPiece, BPE and the word cache in front of them."""
