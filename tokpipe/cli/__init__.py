"""The terminal, thin: options, console and commands over the public functions."""
