"""Batches of text to word counts: normalizers, pre-tokenizers, counting."""
