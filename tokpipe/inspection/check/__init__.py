"""What is wrong with a tokenizer folder, before it wastes hours: one module a kind of fault."""
