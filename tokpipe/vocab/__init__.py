"""Word counts to a vocabulary: the BPE and WordPiece trainers."""
