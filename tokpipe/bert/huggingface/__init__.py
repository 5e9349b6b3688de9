"""Hugging Face's layout in and out: names, settings and files of weights, without pickle."""
