"""Ids to training examples: segment pairs, packed sentences, masks."""
