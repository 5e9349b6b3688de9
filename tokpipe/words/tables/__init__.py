"""What Unicode says of every code point, as the `tokenizers` library reads it."""
