"""The README's pictures: they are there, small, and need nothing but themselves."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.pictures import FOLDER, VIEWS
from tests.readme import README, ROOT

SVG = "{http://www.w3.org/2000/svg}"


def test_every_picture_of_the_readme_is_made_by_the_pages():
    shown = re.findall(r"!\[[^]]+\]\(([^)]+\.svg)\)", README.read_text(encoding="utf-8"))
    assert sorted(ROOT / path for path in shown) == sorted(FOLDER.glob("*.svg"))
    assert {path.stem for path in FOLDER.glob("*.svg")} == {f"attention-{view}" for view in VIEWS}


@pytest.mark.parametrize("view", VIEWS)
def test_a_picture_is_small_and_fetches_nothing(view):
    text = (FOLDER / f"attention-{view}.svg").read_text(encoding="utf-8")
    drawing = ET.fromstring(text)
    assert drawing.tag == f"{SVG}svg" and len(text) < 100_000
    images = [image.get("href") for image in drawing.iter(f"{SVG}image")]
    assert all(image.startswith("data:image/png;base64,") for image in images)
    assert "url(" not in text and "@import" not in text and "<script" not in text
    assert "prefers-color-scheme: dark" in text


def test_the_model_view_has_a_map_of_each_head():
    drawing = ET.parse(FOLDER / "attention-model.svg").getroot()
    labels = [text.text.split()[0] for text in drawing.iter(f"{SVG}text")]
    assert labels == [f"{layer}.{head}" for layer in range(1, 7) for head in range(1, 13)]


def test_the_softmax_of_the_neuron_view_adds_up():
    drawing = ET.parse(FOLDER / "attention-neuron.svg").getroot()
    weights = [float(line.get("data-weight")) for line in drawing.iter() if line.get("data-weight")]
    assert len(weights) == 15 and abs(sum(weights) - 1) < 1e-6
