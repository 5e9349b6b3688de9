"""What the heads of a model do over many texts as one page: the table, and a map a measure."""

from tokpipe.foundation.visible import visible
from tokpipe.inspection.attention import KIND_NAMES
from tokpipe.inspection.chapters.chapter import Grid
from tokpipe.inspection.figures import map_figure
from tokpipe.inspection.terminal.attention_corpus import corpus_renderable
from tokpipe.inspection.terminal.text_page import TextPage
from tokpipe.tasks.attention_corpus import CorpusAttention
from tokpipe.tasks.attention_measures import TARGETS


def corpus_page(name: str, found: CorpusAttention) -> str:
    """Return the page; a share of 1 is full, as is the greatest distance."""
    page = TextPage(f"Attention of {visible(name)}")
    layers, heads, _ = found.measures.shape
    rows = [f"layer {layer}" for layer in range(1, layers + 1)]
    columns = [f"head {head}" for head in range(1, heads + 1)]
    about = [f"share of attention to {KIND_NAMES[target][1]}" for target in TARGETS]
    about += ["entropy, as a share of the greatest", "mean distance in tokens"]
    for number, measure in enumerate(about):
        values = found.measures[:, :, number]
        most = 1.0 if number <= len(TARGETS) else float(values.max())
        page.draw(map_figure(Grid(measure, values, rows, columns), most or 1.0))
    page.print(corpus_renderable(name, found))
    return page.html()
