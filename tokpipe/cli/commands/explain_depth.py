"""`tokpipe explain depth`: the same number of parameters, deep or wide."""

from tokpipe.cli.chapters import chapter_command

explain_depth = chapter_command(
    "depth",
    """Show what changes where the same parameters make few wide layers, or many narrow ones.

    By default as many as BERT-base has in its layers. With --model as many as MODEL has.
    """,
    examples=[
        "tokpipe explain depth",
        "tokpipe explain depth -m out/run",
    ],
)
