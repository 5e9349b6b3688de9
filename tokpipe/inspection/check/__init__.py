"""What is wrong with tokenizers and shards, before it wastes hours: a module a kind of fault."""
