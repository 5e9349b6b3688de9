"""Earlier approaches on the same data and scores: bags of words, word vectors, fixed layers."""
