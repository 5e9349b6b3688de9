"""Kernels on raw UTF-8: scanning, splitting, hashing and counting words."""
