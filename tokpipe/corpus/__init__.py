"""Text to batches: formats, compression, encodings and limits."""
