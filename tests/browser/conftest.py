"""Chromium, driven by selenium; tests that want it skip where one of the two is missing."""

import json
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest


@dataclass
class Browser:
    """A browser, and what it said and fetched since it was asked last."""

    driver: Any

    def open(self, path, ready="performance.getEntriesByName('first view').length"):
        self.driver.get(path.as_uri())
        self.wait(ready)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 60, 0.05).until(lambda _: self.run(f"return {condition}"))

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        for key in keys:
            ActionChains(self.driver).send_keys(getattr(Keys, key)).perform()

    def media(self, **features):
        """Ask for ``media`` (screen, print) or a ``scheme`` (light, dark)."""
        scheme = {"name": "prefers-color-scheme", "value": features.pop("scheme", "light")}
        asked = {"features": [scheme], **features}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", asked)

    def fetched(self):
        """Return the addresses of all requests."""
        events = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        sent = [e["message"] for e in events]
        return [e["params"]["request"]["url"] for e in sent if e["method"] == _REQUEST]

    def complaints(self):
        """Return what stands in the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


_REQUEST = "Network.requestWillBeSent"


def missing():
    """Return what of the browser this machine lacks; None: nothing."""
    if find_spec("selenium") is None:
        return "needs the browser extra"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "needs chromium and chromedriver (Debian: chromium, chromium-driver)"
    return None


def started():
    """Start Chromium without a window, its logs kept; return its driver."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    sandboxed = ("--no-sandbox", "--disable-dev-shm-usage")  # in containers, as root
    for argument in ("--headless=new", "--disable-gpu", "--window-size=1100,900", *sandboxed):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(60)
    return driver


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests."""
    if lack := missing():
        pytest.skip(lack)
    driver = started()
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    """The browser, on screen and in light colours, its logs empty."""
    found = Browser(chromium)
    found.driver.get("about:blank")
    found.media()
    found.fetched(), found.complaints()
    yield found
    assert found.complaints() == []
