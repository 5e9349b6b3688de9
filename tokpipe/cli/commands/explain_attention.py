"""`tokpipe explain attention`: how one token gathers from all, step by step."""

from tokpipe.cli.chapters import chapter_command

explain_attention = chapter_command(
    "attention",
    """Show how a token looks at others: query, keys, scores, softmax, weighted sum.

    By default "ran" looks for who ran, in "the cat ran". With --model one token of TEXT, in one
    head of one layer.
    """,
    examples=[
        "tokpipe explain attention",
        'tokpipe explain attention -m out/run "The dog sat on the mat." --layer 1 --token sat',
    ],
    takes=("layer", "head", "token"),
)
