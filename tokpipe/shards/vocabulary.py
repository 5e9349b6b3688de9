"""What examples and masks need to know of a tokenizer, and the files of it that go along."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokpipe.examples.facts import ROLES, TokenFacts
from tokpipe.examples.template import RowTemplate
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.hub import model_path
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.folder import foreign_document
from tokpipe.tokenizer.spec import Piece, Template
from tokpipe.tokenizer.tokenizer import Tokenizer

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer and its ``tokenizer.json``: as it was found, or as we write it."""

    tokenizer: Tokenizer
    document: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal digits."""
        return hashlib.sha256(self.document).hexdigest()


def load_vocabulary(path: Path) -> Vocabulary:
    """Open a tokenizer folder or file; what is refused is what `Tokenizer.load` refuses."""
    path = model_path("tokenizer", path)
    tokenizer = Tokenizer.load(path)
    if tokenizer.is_native:
        return Vocabulary(tokenizer, document_bytes(tokenizer.spec))
    return Vocabulary(tokenizer, foreign_document(path))


def same_vocabulary(path: Path, sha256: str) -> Vocabulary:
    """Open what another process has opened; an `ArtifactError` if it is something else here."""
    vocabulary = load_vocabulary(path)
    if vocabulary.digest != sha256:
        raise ArtifactError(
            f"{path}: another tokenizer here than where the work was begun",
            hint="All workers must see the same files.",
        )
    return vocabulary


def token_facts(tokenizer: Tokenizer) -> TokenFacts:
    """Return the facts of a tokenizer's vocabulary.

    Examples
    --------
    >>> from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
    >>> tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##seen"]
    >>> facts = token_facts(Tokenizer(spec_from_bert_vocab(tokens)))
    >>> facts.mask_id, facts.ordinary.tolist(), facts.continues_word.tolist()
    (4, [5, 6], [0, 0, 0, 0, 0, 0, 1])
    """
    names = tokenizer.roles
    roles = {role: tokenizer.ids.get(names.get(f"{role}_token", ""), -1) for role in ROLES}
    around = [piece for piece in tokenizer.spec.template.single if not piece.sequence]
    if around:  # what the tokenizer does says more than how tokens are called
        roles |= {"cls": around[0].ids[0], "sep": around[-1].ids[-1]}
    specials = {*tokenizer.special_tokens, *(token for piece in around for token in piece.tokens)}
    prefix = tokenizer.spec.continuing_subword_prefix
    return TokenFacts.of_tokens(tokenizer.tokens, specials, roles, prefix)


def row_template(template: Template, *, pairs: bool) -> RowTemplate:
    """Return what a tokenizer puts around two segments, or around one, as rows have it.

    Texts that are packed into one row are parted by the token that ends it.

    Raises
    ------
    ConfigError
        If no special token begins or ends a row, or the template is none that rows can follow:
        another order than A, B, or types other than 0 up to somewhere between them and 1 behind.

    Examples
    --------
    >>> from tokpipe.tokenizer.parts_json import roberta_template
    >>> found = row_template(roberta_template(("<s>", 0), ("</s>", 2)), pairs=True)
    >>> [ids.tolist() for ids in found[:3]], found.type_1_from
    ([[0], [2, 2], [2]], None)
    """
    pieces = template.pair if pairs else template.single
    order = [piece.sequence for piece in pieces if piece.sequence]
    runs: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.sequence:
            runs.append([])
        else:
            runs[-1].append(piece)
    if not runs[0] or not runs[-1]:
        raise ConfigError(
            "the tokenizer has no token to begin or to end an example with",
            hint="Train it with [CLS] and [SEP], or <s> and </s>, among --special-tokens; a "
            "tokenizer.json says in its post_processor where they go.",
        )
    types = [piece.type_id for piece in pieces for _ in piece.ids or "A"]
    ones = types.count(1)
    ids = [[id for piece in run for id in piece.ids] for run in runs]
    type_1_from = len(types) - ones - len(ids[0]) - 1 if ones else None
    fits = (pairs or not ones) and types == [0] * (len(types) - ones) + [1] * ones
    between = ids[1] if pairs else ids[-1][-1:]
    if order != ["A", "B"][: 1 + pairs] or not fits or not 0 <= (type_1_from or 0) <= len(between):
        raise ConfigError(
            f"the tokenizer's template of {'two texts' if pairs else 'a text'} has another order "
            "than A, B, or token types other than 0 before and 1 from B on: shards cannot hold it",
            hint="Change the post_processor in its tokenizer.json.",
        )
    begin, middle, end = (np.array(part, np.int32) for part in (ids[0], between, ids[-1]))
    return RowTemplate(begin, middle, end, type_1_from)
