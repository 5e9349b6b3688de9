"""What `explain` computes by steps, a chapter a file: on made-up numbers or those of a model."""
