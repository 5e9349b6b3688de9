"""Who multiplies for a linear map: sgemm in float32, or products of our own."""
