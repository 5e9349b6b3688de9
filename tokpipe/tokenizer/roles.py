"""The roles of special tokens, by the names that BERT and RoBERTa gave them."""

from collections.abc import Mapping

from tokpipe.tokenizer.parts_json import bert_template, roberta_template
from tokpipe.tokenizer.spec import Spec, Template

_NAMES = {  # role: the usual names, in order of preference
    "bos_token": ("<s>",),
    "eos_token": ("</s>",),
    "unk_token": ("[UNK]", "<unk>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "mask_token": ("[MASK]", "<mask>"),
}
_END_OF_TEXT = "<|endoftext|>"  # GPT-2's one special token has every role


def special_roles(ids: Mapping[str, int]) -> dict[str, str]:
    """Return role and token for every special token with a usual name.

    Examples
    --------
    >>> special_roles({"[PAD]": 0, "[UNK]": 1, "the": 2})
    {'unk_token': '[UNK]', 'pad_token': '[PAD]'}
    """
    roles = {
        role: next(name for name in names if name in ids)
        for role, names in _NAMES.items()
        if any(name in ids for name in names)
    }
    if not roles and _END_OF_TEXT in ids:
        return dict.fromkeys(("bos_token", "eos_token", "unk_token"), _END_OF_TEXT)
    return roles


def roles_of(spec: Spec, *, special: bool = True) -> dict[str, str]:
    """Return role and token for the special tokens of a tokenizer, or for all added ones.

    What files beside the vocabulary say counts before the usual names.
    """
    ids = {token.content: token.id for token in spec.added_tokens if token.special or not special}
    named = {role: token for role, token in spec.roles.items() if token in ids}
    return special_roles(ids) | named


def usual_template(ids: Mapping[str, int], *, byte_level: bool, prefix_space: bool) -> Template:
    """Return BERT's template, RoBERTa's, or the bare one, by the special tokens there are."""
    if "[CLS]" in ids and "[SEP]" in ids:
        return bert_template(("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"]))
    if "<s>" in ids and "</s>" in ids:
        trims = (byte_level, prefix_space)
        return roberta_template(("<s>", ids["<s>"]), ("</s>", ids["</s>"]), *trims)
    style = "byte-level" if byte_level else "none"
    return Template(trim=False, trim_keeps_first=prefix_space, style=style)
