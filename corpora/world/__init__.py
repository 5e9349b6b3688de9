"""A small consistent world and the documents that tell of it: facts, grammar, kinds of document."""
