"""What examples and masks need to know of a tokenizer, and the files of it that go along."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tokpipe.examples.facts import ROLES, TokenFacts
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.folder import foreign_document
from tokpipe.tokenizer.tokenizer import Tokenizer

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer and its file.

    Attributes
    ----------
    tokenizer
        Opened.
    document : bytes
        Its ``tokenizer.json``: as it was found, or as we write it.
    """

    tokenizer: Tokenizer
    document: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal digits."""
        return hashlib.sha256(self.document).hexdigest()


def load_vocabulary(path: Path) -> Vocabulary:
    """Open a tokenizer folder or file.

    Raises
    ------
    InputError
        As `Tokenizer.load`.
    """
    tokenizer = Tokenizer.load(path)
    if tokenizer.is_native:
        return Vocabulary(tokenizer, document_bytes(tokenizer.spec))
    return Vocabulary(tokenizer, foreign_document(path))


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
    prefix = tokenizer.spec.continuing_subword_prefix
    return TokenFacts.of_tokens(tokenizer.tokens, tokenizer.special_tokens, roles, prefix)
