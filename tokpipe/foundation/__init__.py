"""What every package shares, one concept a file."""
