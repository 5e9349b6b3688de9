"""Shards to batches: order, masks, packing without padding."""
