"""`tokpipe explain position`: how a model is told where words stand."""

from tokpipe.cli.chapters import chapter_command

explain_position = chapter_command(
    "position",
    """Show what a model knows of the order of words: nothing, unless it is told their places.

    By default "the boy hit the ball" against "the ball hit the boy" in a small model, for each way
    to tell places. With --model TEXT against its tokens backwards, in MODEL.
    """,
    examples=[
        "tokpipe explain position",
        'tokpipe explain position -m out/run "The dog sat on the mat."',
    ],
)
