"""The class of transformers that a bare vocabulary was written by, and what follows from it alone.

``tokenizer_config.json`` names it, else ``config.json``, else the kind of model there implies one.
What has a text prepared in another way than BERT's, MPNet's, RoBERTa's or GPT-2's class is refused:
its vocabulary looks like one of theirs, and would give other ids without a word.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tokpipe.foundation.visible import visible
from tokpipe.tokenizer.findings import Findings
from tokpipe.tokenizer.neighbours import ROLE_NAMES, Neighbours, read_beside
from tokpipe.tokenizer.node import Node, short
from tokpipe.tokenizer.vocab_files import CONVERT_HINT

_MODEL_CONFIG = "config.json"


class Kind(NamedTuple):
    """What a class makes of its vocabulary where no file says it."""

    vocabulary: str  # the file that it reads
    roles: Mapping[str, str]
    template: str  # "bert", "roberta" or "none"
    mask_takes_space: bool = False  # a mask that is written as a string takes the space before it


_BERT_ROLES = {f"{r}_token": f"[{r.upper()}]" for r in ("unk", "sep", "pad", "cls", "mask")}
_ROBERTA_ROLES = dict(
    zip(ROLE_NAMES, ("<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"), strict=True)
)
_END_OF_TEXT = {f"{role}_token": "<|endoftext|>" for role in ("bos", "eos", "unk")}

BERT = Kind("vocab.txt", _BERT_ROLES, "bert")
MPNET = Kind("vocab.txt", _ROBERTA_ROLES | {"unk_token": "[UNK]"}, "roberta", True)
ROBERTA = Kind("vocab.json", _ROBERTA_ROLES, "roberta")
GPT2 = Kind("vocab.json", _END_OF_TEXT, "none")

_CLASSES = {  # what these have of their own does not touch ids
    **dict.fromkeys(("Bert", "DistilBert", "Electra", "MobileBert", "ConvBert"), BERT),
    **dict.fromkeys(("LayoutLM", "Lxmert", "SqueezeBert", "RetriBert"), BERT),
    **dict.fromkeys(("DPRQuestionEncoder", "DPRContextEncoder"), BERT),
    **dict.fromkeys(("Roberta", "Longformer", "Bart", "LED", "Mvp"), ROBERTA),
    "MPNet": MPNET,
    "GPT2": GPT2,
}
_ANY = ("PreTrained", "TokenizersBackend")  # classes that run whatever a tokenizer.json says
_MODELS = {
    **dict.fromkeys(("bert", "distilbert", "electra", "mobilebert", "convbert"), BERT),
    **dict.fromkeys(("layoutlm", "lxmert", "squeezebert", "ernie", "dpr"), BERT),
    **dict.fromkeys(("roberta", "data2vec-text", "longformer", "bart", "led", "ibert"), ROBERTA),
    "mpnet": MPNET,
    "gpt2": GPT2,
}
_IN_PYTHON = (  # classes of transformers that no tokenizer.json can say
    *("BertJapanese", "Bertweet", "Phobert", "XLM", "Flaubert", "Canine", "Tapas", "CTRL"),
    *("ProphetNet", "Esm"),
)
_NO_WAY = "It splits texts in Python, which no tokenizer.json can say: use it in transformers."
_PLAIN_PARTS = {"word_tokenizer_type": "basic", "subword_tokenizer_type": "wordpiece"}
_SPLIT = "split_special_tokens"
_OTHER_FILES = (".model", ".spm", ".codes")  # what a vocabulary beside them is read with


class Named(NamedTuple):
    """What the files beside a bare vocabulary name."""

    kind: Kind | None = None  # None: its tokens have to tell
    by: str = ""  # the class, or the kind of model


def named_kind(file: Path, beside: Neighbours) -> Named:
    """Return what is named beside a bare vocabulary; roles that it implies are put beside.

    Raises
    ------
    FoundError
        If it is a class of another kind, or of one with another file; if a setting asks for what
        is not done here.
    """
    config, model = beside.config, read_beside(file.parent / _MODEL_CONFIG, Findings())
    refuse_split_specials(config)
    _refuse_other_parts(config)
    for node in (config.child("tokenizer_class"), model.child("tokenizer_class")):
        if not node.absent:
            stem = node.text_value().removesuffix("Fast").removesuffix("Tokenizer")
            if stem in _ANY:
                return Named()
            hint = _NO_WAY if stem in _IN_PYTHON else CONVERT_HINT
            return _named(node, _CLASSES.get(stem), (file, hint), beside)
    others = sorted(p.name for p in file.parent.iterdir() if p.suffix in _OTHER_FILES)
    if others:
        problem = f"no vocabulary by itself: {visible(others[0])} goes with it"
        raise Node(None, f"{file}:").error(problem, CONVERT_HINT)
    node = model.child("model_type")
    if node.absent:
        return Named()
    return _named(node, _MODELS.get(node.text_value()), (file, CONVERT_HINT), beside)


def _named(node: Node, kind: Kind | None, at: tuple[Path, str], beside: Neighbours) -> Named:
    name, (file, hint) = node.text_value(), at
    if kind is None:
        raise node.error(
            f"{short(name)} prepares texts in a way of its own, which {file.name} does not say",
            hint,
        )
    if file.suffix != Path(kind.vocabulary).suffix:
        raise node.error(
            f"{short(name)} goes with a {kind.vocabulary}, and the vocabulary here is {file.name}",
            CONVERT_HINT,
        )
    _with_roles(beside, kind)
    return Named(kind, name)


def _with_roles(beside: Neighbours, kind: Kind) -> None:
    """Give the roles that no file names to the tokens which have them in a class.

    A token that the vocabulary has not is added behind it, as transformers does.
    """
    said = {*beside.roles, *beside.config.value}
    beside.roles |= {role: token for role, token in kind.roles.items() if role not in said}
    for role in ROLE_NAMES:
        if content := beside.roles.get(role):
            takes_space = role == "mask_token" and kind.mask_takes_space
            beside.take_role(content, takes_space=takes_space)


def refuse_split_specials(config: Node) -> None:
    """Refuse ``split_special_tokens``: special tokens in a text would be text like any other.

    transformers follows it beside a ``tokenizer.json``, too, where it passes over
    ``add_bos_token`` and ``add_eos_token``.

    Raises
    ------
    FoundError
        If it is set.
    """
    if config.flag(_SPLIT, False):
        problem = "true is not followed here: a special token in a text is that token"
        raise config.child(_SPLIT).error(problem, "Take it out, if texts hold no special tokens.")


def _refuse_other_parts(config: Node) -> None:
    for key, plain in _PLAIN_PARTS.items():
        if not config.child(key).absent and config.text(key) != plain:
            raise config.child(key).error(
                f"{short(config.text(key))} splits texts, as BertJapaneseTokenizer has it, "
                f"and only {plain} does so here",
                _NO_WAY,
            )
    for key in ("add_bos_token", "add_eos_token"):
        if config.flag(key, False):
            raise config.child(key).error("true is not followed here", CONVERT_HINT)
