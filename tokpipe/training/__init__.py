"""Batches and a model to checkpoints and logs: optimizers, schedules, the loop, its state."""
