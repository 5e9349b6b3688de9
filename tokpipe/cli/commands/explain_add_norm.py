"""`tokpipe explain add-norm`: what is added to a token, and to which scale it is brought."""

from tokpipe.cli.chapters import chapter_command

explain_add_norm = chapter_command(
    "add-norm",
    """Show how what a layer makes is added to a token, and the sum brought to one scale.

    By default a token of four numbers. With --model one token of TEXT on its way through all layers
    of MODEL, or through one.
    """,
    examples=[
        "tokpipe explain add-norm",
        'tokpipe explain add-norm -m out/run "The dog sat on the mat." --token sat',
    ],
    takes=("layer", "token"),
)
