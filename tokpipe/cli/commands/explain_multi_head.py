"""`tokpipe explain multi-head`: several heads in one layer of attention."""

from tokpipe.cli.chapters import chapter_command

explain_multi_head = chapter_command(
    "multi-head",
    """Show how several heads of attention share a layer: split, attend, side by side, one map.

    By default two heads on "the cat ran". With --model one token of TEXT in one layer, and what
    changes with one head left out.
    """,
    examples=[
        "tokpipe explain multi-head",
        'tokpipe explain multi-head -m out/run "The dog sat on the mat." --layer 1 --token sat',
    ],
    takes=("layer", "token"),
)
