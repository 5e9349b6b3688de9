"""What is learned from hidden states: one file a head."""
