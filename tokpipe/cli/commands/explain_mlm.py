"""`tokpipe explain mlm`: from the vector at a mask to a percentage for each token."""

from tokpipe.cli.chapters import chapter_command

explain_mlm = chapter_command(
    "mlm",
    """Show how a masked word is guessed: a percentage for each token of the vocabulary.

    By default a vocabulary of five words. With --model the first mask of TEXT in MODEL, and
    the tokens that stand --around a word in the alphabet.
    """,
    examples=[
        "tokpipe explain mlm",
        'tokpipe explain mlm -m out/run "The dog sat on the [MASK]." --around cat',
    ],
    takes=("around",),
)
