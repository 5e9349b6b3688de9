"""Model folders and runs: files as their manifest says, tensors as the settings say."""

from pathlib import Path

from tokpipe.bert.huggingface.checkpoint import load_checkpoint, read_outline
from tokpipe.bert.huggingface.parts import PARTS
from tokpipe.bert.huggingface.stored import has_weights, layout_of, other_heads_note
from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import verify_files
from tokpipe.inspection.check.finding import NOTE, WARNING, Checked, Finding, finding_of
from tokpipe.tasks.sentence_folder import MODULES, read_sentence_folder
from tokpipe.training.state import checkpoints

_UNFINISHED = Finding(
    WARNING,
    MANIFEST,
    "missing: the training is not over",
    "The same command goes on from the last checkpoint.",
)


def is_model(path: Path) -> bool:
    """Return whether a folder looks like a model, or a run that may become one."""
    return path.is_dir() and (has_weights(path) or bool(checkpoints(path)))


def check_model(path: Path) -> list[Checked]:
    """Check a model folder; of a run its checkpoints and the parts below it, too."""
    below = [*checkpoints(path).values(), *(path / name for name in PARTS)]
    found = [_check_folder(folder) for folder in below if has_weights(folder)]
    if has_weights(path):
        return [_check_folder(path), *found]
    return [Checked(str(path), "a run", [_UNFINISHED]), *found]


def _check_folder(path: Path) -> Checked:
    about, findings = "a model", []
    try:
        verify_files(path)
        config, family, _, left_out = read_outline(path)
        about = f"{family.name}, {config.num_hidden_layers} layers, {config.hidden_size} wide"
        layout = layout_of(path)
        if left_out and layout:
            findings.append(Finding(NOTE, layout.weights, other_heads_note(left_out)))
        sentence = read_sentence_folder(path, config.hidden_size)
        if sentence is not None:
            findings.append(Finding(NOTE, MODULES, f"vectors of texts: {sentence.about()}"))
        load_checkpoint(path)
    except TokpipeError as error:
        findings.append(finding_of(error, path))
    return Checked(str(path), about, findings)
