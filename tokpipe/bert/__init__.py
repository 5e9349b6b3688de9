"""The model: parameters, layers forward and backward, heads, Hugging Face's layout."""
