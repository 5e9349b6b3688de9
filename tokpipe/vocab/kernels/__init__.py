"""Kernels of vocabulary training: words as symbols, pair counts, merges."""
