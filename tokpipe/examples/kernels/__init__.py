"""Kernels of examples: units, segment pairs, packing, assembly, masks."""
