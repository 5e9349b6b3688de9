"""Kernels of the readers: UTF-8, line ends, JSON and CSV cells, sentences."""
