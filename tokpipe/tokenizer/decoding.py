"""Ids to text, as `tokenizers` decodes.

References
----------
huggingface/tokenizers: ``decoders/wordpiece.rs``, ``decoders/bpe.rs``,
``pre_tokenizers/byte_level.rs``.
"""

from collections.abc import Iterable, Sequence

from tokpipe.tokenizer.document import byte_form
from tokpipe.tokenizer.spec import Decoder, DecoderKind

_CLEANUP = (  # in this order
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def decode_tokens(tokens: Sequence[str], decoder: Decoder) -> str:
    """Join tokens to text; bytes that are no UTF-8 become U+FFFD.

    Examples
    --------
    >>> decode_tokens(["un", "##seen", "."], Decoder(DecoderKind.WORDPIECE, "##", True))
    'unseen.'
    """
    if decoder.kind is DecoderKind.BYTE_LEVEL:
        return b"".join(map(_token_bytes, tokens)).decode(errors="replace")
    if decoder.kind is DecoderKind.WORDPIECE:
        return "".join(_wordpiece_texts(tokens, decoder))
    if decoder.kind is DecoderKind.BPE:
        last = len(tokens) - 1
        return "".join(
            token.replace(decoder.mark, "" if i == last else " ") for i, token in enumerate(tokens)
        )
    return ("" if decoder.kind is DecoderKind.FUSE else " ").join(tokens)


def _token_bytes(token: str) -> bytes:
    form = byte_form(token)
    return token.encode() if form is None else form


def _wordpiece_texts(tokens: Sequence[str], decoder: Decoder) -> Iterable[str]:
    for i, token in enumerate(tokens):
        text = token
        if i > 0:
            joins = bool(decoder.mark) and token.startswith(decoder.mark)
            text = token[len(decoder.mark) :] if joins else f" {token}"
        if decoder.cleanup:
            for old, new in _CLEANUP:
                text = text.replace(old, new)
        yield text
