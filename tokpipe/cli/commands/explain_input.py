"""`tokpipe explain input`: token + segment + position."""

from tokpipe.cli.chapters import chapter_command

explain_input = chapter_command(
    "input",
    """Show what goes into a model: the vectors of token, segment and position, added up.

    By default a pair of texts in four numbers. With --model TEXT, or two, in MODEL.
    """,
    examples=[
        "tokpipe explain input",
        'tokpipe explain input -m out/run "The dog sat on the mat." "It was tired."',
    ],
    texts="[TEXT] [TEXT]",
)
