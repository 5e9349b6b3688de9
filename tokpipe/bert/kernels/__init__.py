"""Kernels of the model on float32, each with its NumPy twin, which takes float64 as well."""
