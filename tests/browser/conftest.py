"""Chromium, driven by selenium; tests that want it skip where one of the two is missing."""

import json
import shutil
from dataclasses import dataclass
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


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the browser extra")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    sandboxed = ("--no-sandbox", "--disable-dev-shm-usage")  # in containers, as root
    for argument in ("--headless=new", "--disable-gpu", "--window-size=1100,900", *sandboxed):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver))
    driver.set_script_timeout(60)
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
