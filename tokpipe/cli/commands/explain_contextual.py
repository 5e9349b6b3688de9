"""`tokpipe explain contextual`: one word in several texts."""

from tokpipe.cli.chapters import chapter_command

explain_contextual = chapter_command(
    "contextual",
    """Show how far apart the vectors of one word are in several texts, layer by layer.

    By default "bank" in a small model with drawn weights. With --model a token that all texts have:
    the longest, or --token.
    """,
    examples=[
        "tokpipe explain contextual",
        'tokpipe explain contextual -m out/run "Help me." "The Help desk." --token help',
    ],
    takes=("token",),
    texts="[TEXT]...",
)
