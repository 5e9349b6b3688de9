"""Kernels of batches: where they end, and their rows copied out of mapped files."""
