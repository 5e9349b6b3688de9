"""Labelled text, tagged words and questions, read from the files that people have."""
