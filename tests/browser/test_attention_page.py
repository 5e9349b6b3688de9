"""The page of attention: that its numbers are Python's, its keys work, and it fetches nothing."""

import dataclasses
import json
import re
from functools import cache

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, SPECIALS, WORDS, small
from tokpipe.bert.parameters import Parameters
from tokpipe.inspection.attention import Wanted, choose
from tokpipe.inspection.attention_page import attention_page
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.terminal import attention_head, attention_model, attention_neuron
from tokpipe.tasks.attention import attention
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer

VIEWS = {"model": attention_model, "head": attention_head, "neuron": attention_neuron}
TEXTS = "the cats sat on the mat", "it ran"
BAD = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "\x1b[2J"]
SHOWN = "document.getElementById('drawing').dataset.shown"


@cache
def pair(biased=False):
    how = {"position": "relative"} if biased else {}
    return attention(small(dataclasses.replace(CONFIG, **how)), *TEXTS)


@pytest.fixture
def page(browser, tmp_path):
    def opened(view="model", seen=None, name="out/run", form=None, exact=False, **wanted):
        seen = seen or pair()
        form = form or TokenForm(prefix="##", special_tokens=frozenset({"[CLS]", "[SEP]"}))
        chosen = choose(name, seen, Wanted(**wanted), VIEWS[view], form)
        path = tmp_path / "page.html"
        path.write_text(attention_page(chosen, view, exact=exact), "utf-8")
        browser.open(path, f"{SHOWN} === '{view}'")
        return browser

    return opened


def values(browser, selector, *of):
    """Return of each element the values of expressions on it, which is called `e`."""
    return browser.run(
        f"return [...document.querySelectorAll({selector!r})].map(e => [{', '.join(of)}])"
    )


def steps_of_map(browser, layer, head):
    """Return the strengths of the pixels of a map."""
    found = browser.run(
        "const c = document.querySelector(`.map[data-layer='${arguments[0]}'][data-head="
        "'${arguments[1]}'] canvas`);"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return [c.height, c.width, ...d.filter((_, i) => i % 4 === 3)]",
        *(layer, head),
    )
    return np.array(found[2:]).reshape(found[:2])


@pytest.mark.parametrize("exact", [False, True])
def test_maps_have_the_weights_of_all_heads(page, exact):
    browser = page("model", exact=exact)
    for layer in pair().layers:
        for head, weights in enumerate(layer.weights(), 1):
            drawn = (steps_of_map(browser, layer.number, head) / 255) ** 2
            np.testing.assert_allclose(drawn, weights, atol=0.004)
            np.testing.assert_allclose(drawn.sum(1), 1, atol=0.03 if exact else 0.012)
    maps = browser.run("return [...document.querySelectorAll('.map')].map(m => m.textContent)")
    assert len(maps) == 8 and re.fullmatch(
        r"1 (self|prev|next|cls|sep|same|wide) \d+%|1 mixed", maps[0]
    )


@pytest.mark.parametrize(("from_", "to"), [("a", "b"), ("b", "a"), (None, "b")])
def test_maps_of_a_pair_show_one_text_looking_at_the_other(page, from_, to):
    browser = page("model", from_=from_, to=to)
    sides = np.array(pair().sides)
    rows, columns = ((sides == one) | (one is None) for one in (from_, to))
    expected = pair().layer(2).weights()[0][rows][:, columns]
    drawn = (steps_of_map(browser, 2, 1) / 255) ** 2
    np.testing.assert_allclose(drawn, expected, atol=0.004)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("head", ["1", "2", "mean"])
def test_lines_have_the_weights_of_the_chosen_token(page, head, exact):
    browser = page("head", layer=2, head=head, token="mat", exact=exact)
    weights = pair().layer(2).weights()
    expected = weights.mean(0)[7] if head == "mean" else weights[int(head) - 1, 7]
    opacity = "+e.getAttribute('stroke-opacity')"
    lines = values(browser, ".strong line", "+e.dataset.to", "+e.dataset.weight", opacity)
    places, drawn, strengths = np.array(lines).T
    assert places.tolist() == [*range(len(pair()))]
    np.testing.assert_allclose(drawn, expected, atol=1e-6 if exact else 0.004)
    np.testing.assert_allclose(strengths, drawn**0.5, atol=0.0001)
    browser.run("document.getElementById('numbers').open = true")
    browser.wait("document.querySelectorAll('#table tr').length > 1")
    cells = browser.run(
        "return [...document.querySelectorAll('#table td')].map(c => +c.textContent)"
    )
    np.testing.assert_allclose(cells, drawn, atol=1e-6)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("exact", [False, True])
def test_the_way_of_a_token_is_that_of_the_terminal(page, biased, exact):
    seen, asked = pair(biased), {"layer": 2, "head": "2", "token": "mat"}
    browser = page("neuron", seen, exact=exact, numbers=True, **asked)
    form = TokenForm(prefix="##", special_tokens=frozenset({"[CLS]", "[SEP]"}))
    way = attention_neuron.looking(choose("m", seen, Wanted(**asked), attention_neuron, form))
    assert way.biases.any() == biased
    drawn = values(browser, "g[data-place]", "+e.dataset.sum", "+e.dataset.weight")
    np.testing.assert_allclose(
        drawn, np.stack([way.sums, way.weights], 1), atol=1e-5 if exact else 5e-4
    )
    rows = values(browser, "#table tr", "...[...e.querySelectorAll('td')].map(c => c.textContent)")[
        1:
    ]
    np.testing.assert_allclose([*map(float, rows[0][4:])], way.query, atol=1e-4)
    keys = np.array([[*map(float, row[4:])] for row in rows[1::2]])
    products = np.array([[*map(float, row)] for row in rows[2::2]])
    np.testing.assert_allclose(keys, way.keys, atol=1e-4)
    np.testing.assert_allclose(products[:, 4:], way.products, atol=5e-4)
    np.testing.assert_allclose(products[:, 1], way.biases, atol=5e-4)
    np.testing.assert_allclose(products[:, 4:].sum(1), products[:, 0], atol=1e-4)  # it adds up
    drawn = values(browser, ".query path", "e.getAttribute('d').split('M').length - 1")
    assert drawn == [[(way.query > 0).sum()], [(way.query < 0).sum()]]


def focused(browser):
    return browser.run("const f = document.activeElement; return {...f.dataset}")


def test_arrows_go_from_map_to_map_and_enter_opens_a_head(page):
    browser = page("model")
    browser.run("document.querySelector(\".map[tabindex='0']\").focus()")
    assert focused(browser) == {"layer": "4", "head": "1"}
    for key, expected in (
        ("ARROW_RIGHT", "4.2"),
        ("ARROW_RIGHT", "4.2"),
        ("ARROW_UP", "3.2"),
        ("ARROW_LEFT", "3.1"),
        ("ARROW_DOWN", "4.1"),
    ):
        browser.press(key)
        assert "{layer}.{head}".format(**focused(browser)) == expected
        assert browser.run("return document.querySelectorAll(\".map[tabindex='0']\").length") == 1
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.run(f"return {outline}") == "solid"
    browser.press("ENTER")
    browser.wait(f"{SHOWN} === 'head'")
    assert browser.run("return [state.layer, state.head]") == [4, 1]
    assert focused(browser) == {"place": "1"}
    browser.press("ESCAPE")
    browser.wait(f"{SHOWN} === 'model'")
    assert focused(browser) == {"layer": "4", "head": "1"}


def test_keys_of_one_head_choose_token_head_and_layer(page):
    browser = page("head", layer=2, head="1", token="cat")
    browser.run("document.querySelector(\"svg [tabindex='0']\").focus()")
    browser.press("ARROW_DOWN")
    assert focused(browser) == {"place": "3"}
    weights = pair().layer(2).weights()[0, 3]
    drawn = browser.run(
        "return [...document.querySelectorAll('.strong line')].map(l => +l.dataset.weight)"
    )
    np.testing.assert_allclose(drawn, weights, atol=0.004)
    said = browser.run("return document.getElementById('status').textContent")
    assert f"3 ##s looks at {weights.argmax()} " in said
    browser.press("ARROW_RIGHT", "PAGE_UP")
    browser.wait("document.querySelector('svg').ariaLabel.startsWith('Layer 1, head 2')")
    assert browser.run("return [state.layer, state.head]") == [1, 2]
    browser.wait("document.activeElement.dataset.place === '3'")


def test_a_pointer_shows_another_token_for_the_time_being(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    browser = page("head", layer=2, head="1", token="cat")
    name = browser.driver.find_element(By.CSS_SELECTOR, "[data-place='7']")
    ActionChains(browser.driver).move_to_element(name).perform()
    shown = browser.run("return document.querySelector('.chosen').dataset.place")
    assert shown == "7" and browser.run("return state.token") == 2
    name.click()
    assert browser.run("return state.token") == 7


def test_the_picture_is_copied_with_its_style(page):
    for view in VIEWS:
        browser = page(view)
        text = browser.run("return svgText()")
        parsed = "new DOMParser().parseFromString(arguments[0], 'image/svg+xml').documentElement"
        assert browser.run(f"return {parsed}.nodeName", text) == "svg" and "<style>" in text
        assert ("<image" in text) == (view == "model")
        browser.driver.find_element("id", "copy").click()
        browser.wait("byId('status').textContent === 'Copied.' || byId('source')?.open")


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_tokens_and_names_stay_text_and_nothing_is_fetched(page, view, tmp_path):
    tokens = [*SPECIALS, *BAD, *WORDS[len(BAD) :]]
    spec = spec_from_bert_vocab(tokens)
    model = BertModel(Parameters.initialised(small().config, 3), Tokenizer(spec))
    seen = attention(model, "x")
    seen = dataclasses.replace(seen, tokens=tuple(BAD[:3]))
    browser = page(view, seen, name="</title><script>alert(2)</script>", numbers=False)
    fetched = browser.fetched()
    assert [url for url in fetched if not url.startswith(("about:", "file://"))] == []
    assert len([url for url in fetched if url.startswith("file://")]) == 1
    assert browser.run("return document.querySelectorAll('img, b, iframe').length") == 0
    assert (
        browser.run("return [...document.querySelectorAll('script')].filter(s => !s.type).length")
        == 1
    )
    assert "alert(2)" in browser.run("return document.title")
    choices = browser.run("return [...document.getElementById('token').options].map(o => o.text)")
    assert choices == [f"{i} {token.replace(' ', '·')}" for i, token in enumerate(BAD[:3])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_scheme_also_when_it_changes(page, scheme):
    browser = page("model")
    browser.media(scheme=scheme)
    pixel = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1).data"
    low, high = (0, 90) if scheme == "light" else (90, 256)
    browser.wait(f"{SHOWN} === 'model' && {low} <= {pixel}[0] && {pixel}[0] < {high}")


@pytest.mark.parametrize("view", VIEWS)
def test_a_narrow_screen_needs_no_scrolling_sideways(page, view):
    browser = page(view, name="/a/path/without/spaces" * 9)
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        wide = browser.run("return document.documentElement.scrollWidth")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide <= 400


def test_what_queries_are_not_on_the_page_is_told(page, monkeypatch):
    monkeypatch.setattr("tokpipe.inspection.attention_page._ROOM", 0)
    browser = page("neuron", layer=3, head="2", token="mat")
    vectors = browser.run("return data.vectors")
    assert (vectors["layers"], vectors["heads"]) == ([3], [2])
    browser.run("document.activeElement.blur(); document.querySelector('svg').focus()")
    browser.press("ARROW_LEFT")
    browser.wait("document.getElementById('status').textContent.startsWith('This page holds')")
    assert browser.run("return [state.layer, state.head]") == [3, 2]


def test_the_first_view_of_a_large_page_is_drawn_within_a_second(page):
    how = {"num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 512}
    text = " ".join(np.random.default_rng(0).choice(WORDS[:-2], 300))
    seen = attention(small(dataclasses.replace(CONFIG, **how)), text)
    browser = page("model", seen)
    drawn = browser.run("return performance.getEntriesByName('first view')[0].startTime")
    assert drawn < 1000
    assert json.loads(browser.run("return JSON.stringify(data.tokens.length)")) == len(seen)
