"""Text and a vocabulary to ids and back; tokenizer folders both ways."""
