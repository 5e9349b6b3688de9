"""`tokpipe explain nsp`: whether one text follows another."""

from tokpipe.cli.chapters import chapter_command

explain_nsp = chapter_command(
    "nsp",
    """Show how a model judges whether one text follows another.

    By default in two numbers. With --model two texts in MODEL.
    """,
    examples=[
        "tokpipe explain nsp",
        'tokpipe explain nsp -m out/run "The dog sat on the mat." "It was tired."',
    ],
    texts="[TEXT] [TEXT]",
)
