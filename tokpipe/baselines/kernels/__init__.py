"""Kernels of earlier approaches: words to numbers, and vectors of words learned on a task."""
