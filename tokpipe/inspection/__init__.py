"""What tokens, shards, masks and models look like, and what is wrong with a folder."""
