"""`tokpipe explain activations`: the functions between two tables of weights."""

from tokpipe.cli.chapters import chapter_command

explain_activations = chapter_command(
    "activations",
    """Show what activations make of a number: formulas, values, slopes, curves, saturation.

    By default all that a model can have, and what stands at an output. With --model the one of
    MODEL, and the numbers that TEXT brings to it.
    """,
    examples=[
        "tokpipe explain activations",
        'tokpipe explain activations -m out/run "The dog sat on the mat." --layer 1',
    ],
    takes=("layer",),
)
