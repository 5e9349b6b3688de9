"""The README's pictures: what the pages of attention draw in Chromium, as their button copies it.

``python -m tests.pictures`` draws them again; it wants the browser extra, and MiniLM-L6 in the
peers' environment, whose interpreter TOKPIPE_PEERS_PYTHON names.
"""

import os
import sys
import tempfile
from pathlib import Path

from tests.bench.embed import minilm
from tests.browser.conftest import Browser, missing, started
from tokpipe.cli.main import execute

FOLDER = Path(__file__).parent / "docs" / "pictures"
SENTENCE = "The dog from down the street ran up to me and [MASK]."
VIEWS = {
    "model": ["--view", "model"],
    "neuron": ["--view", "neuron", "--layer", "1", "--head", "3", "--token", "street"],
}


def main() -> int:
    """Draw each view on a page of its own and keep the drawing."""
    if lack := missing():
        sys.exit(f"python -m tests.pictures {lack}")
    model = minilm(os.environ.get("TOKPIPE_PEERS_PYTHON", sys.executable))
    FOLDER.mkdir(exist_ok=True)
    driver = started()
    with tempfile.TemporaryDirectory() as place:
        for name, view in VIEWS.items():
            page = Path(place) / f"{name}.html"
            asked = ["attention", str(model), SENTENCE, *view, "--html", str(page)]
            if execute(asked):
                return 1
            browser = Browser(driver)
            browser.open(page, f"document.getElementById('drawing').dataset.shown === '{name}'")
            drawing = browser.run("return svgText()")
            (FOLDER / f"attention-{name}.svg").write_text(f"{drawing}\n", encoding="utf-8")
    driver.quit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
