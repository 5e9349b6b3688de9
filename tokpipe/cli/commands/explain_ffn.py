"""`tokpipe explain ffn`: a feed-forward network, step by step."""

from tokpipe.cli.chapters import chapter_command

explain_ffn = chapter_command(
    "ffn",
    """Show what a feed-forward network computes: two tables of weights, and a bend between them.

    By default a network of two units that says whether two bits are equal. With --model one token
    of TEXT on its way through the feed-forward part of one layer.
    """,
    examples=[
        "tokpipe explain ffn",
        'tokpipe explain ffn -m out/run "The dog sat on the mat." --layer 2 --token sat --json',
    ],
    takes=("layer", "token"),
)
