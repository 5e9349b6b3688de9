"""What examples and masks need to know of a tokenizer."""

from tokpipe.examples.facts import ROLES, TokenFacts
from tokpipe.tokenizer.tokenizer import Tokenizer


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
