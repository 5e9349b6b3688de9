"""The terminal: options, console and one file a command."""
