"""The vocabulary of a tokenizer: tokens by id, ids by token, and what special ones are for."""

from tokpipe.tokenizer.roles import roles_of
from tokpipe.tokenizer.spec import Spec


class Lookup:
    """A vocabulary to look things up in.

    Attributes
    ----------
    spec : Spec
        The tokenizer as plain data.
    tokens : list of str
        In file form; index = id. "" where no token has the id.
    ids : dict
        The id of each token; not of "".
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.tokens = spec.all_tokens
        self.ids = {token: i for i, token in enumerate(self.tokens) if token}

    @property
    def vocab_size(self) -> int:
        """How many tokens there are, added ones included."""
        return len(self.tokens)

    @property
    def special_tokens(self) -> dict[str, int]:
        """Special tokens and their ids."""
        return {t.content: t.id for t in self.spec.added_tokens if t.special}

    @property
    def roles(self) -> dict[str, str]:
        """Which special token is ``mask_token``, ``pad_token``, ``cls_token`` and so on."""
        return roles_of(self.spec)

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token in file form, or None."""
        return self.ids.get(token)

    def id_to_token(self, id: int) -> str | None:
        """Return the token with an id, in file form, or None."""
        return (self.tokens[id] or None) if 0 <= id < len(self.tokens) else None
