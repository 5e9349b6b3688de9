"""`tokpipe explain encoder`: one layer, the stack, and what it sees."""

from tokpipe.cli.chapters import chapter_command

explain_encoder = chapter_command(
    "encoder",
    """Show an encoder by its steps: shapes, parameters, operations; against a decoder and an LSTM.

    By default BERT-base on five words. With --model MODEL on TEXT.
    """,
    examples=[
        "tokpipe explain encoder",
        'tokpipe explain encoder -m out/run "The dog sat on the mat."',
    ],
)
