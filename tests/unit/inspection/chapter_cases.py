"""What tests of chapters share: a small model's chapter, and its grids."""

from dataclasses import replace

from tests.unit.tasks.models import CONFIG, small
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.chapters import (
    contextual,
    mlm,
)
from tokpipe.inspection.chapters.chapter import Grid
from tokpipe.tasks.attention import attention as look

MODEL = small()
NORMS = {"post": MODEL, "pre": small(replace(CONFIG, norm_position="pre"))}
TEXT = "the cats sat on the mat"
TEXTS = {mlm: ("the [MASK] sat",), contextual: (TEXT, "a cat ran")}


def real(module, model=MODEL, **wanted):
    texts = TEXTS.get(module, (TEXT,))
    chosen = [choose("m", look(model, text), Wanted(**wanted), module) for text in texts]
    return module.real(chosen[0], model, *chosen[1:])


def grids(chapter):
    """Return the grids of a chapter by name."""
    return {one.name: one for step in chapter.steps for one in step.shown if isinstance(one, Grid)}
