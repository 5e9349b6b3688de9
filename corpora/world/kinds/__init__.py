"""The kinds of document; each is a function from the draws of one document to its paragraphs."""
