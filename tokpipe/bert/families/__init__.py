"""The families of models that Hugging Face's layout knows: one file each, and their registry."""
