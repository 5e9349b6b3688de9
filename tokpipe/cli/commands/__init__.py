"""One module a command; each reads as the arrow diagram of its data."""
