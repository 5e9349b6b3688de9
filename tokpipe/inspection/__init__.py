"""What a token, a merge or a vocabulary looks like."""
