"""What a trained model is used for: filled masks, predictions, vectors, neighbours."""
