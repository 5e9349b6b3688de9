"""Scores of predictions against gold labels, with intervals: pure functions."""
