"""A chapter of `explain` as one page: its text as in the terminal, curves and maps as drawings."""

from dataclasses import replace

from tokpipe.inspection.chapters.chapter import Chapter, Curves
from tokpipe.inspection.figures import curves_figure, map_figure
from tokpipe.inspection.terminal.chapter import (
    opening_renderable,
    source_renderable,
    step_renderable,
)
from tokpipe.inspection.terminal.text_page import TextPage


def chapter_page(chapter: Chapter) -> str:
    """Return the page; what is drawn of a step stands under its text."""
    page = TextPage(chapter.title)
    page.print(opening_renderable(chapter))
    for number, step in enumerate(chapter.steps, 1):
        drawn = [one for one in step.shown if isinstance(one, Curves) or one.as_signs]
        rest = tuple(one for one in step.shown if one not in drawn)
        page.print(step_renderable(number, replace(step, shown=rest)))
        for one in drawn:
            page.draw(curves_figure(one) if isinstance(one, Curves) else map_figure(one))
    page.print(source_renderable(chapter))
    return page.html()
