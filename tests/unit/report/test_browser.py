"""The page in a real browser: nothing is loaded, nothing complains, the table does its work."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.builder import HOSTILE

pytestmark = pytest.mark.browser

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
DRIVER = shutil.which("chromedriver")
if not CHROMIUM or not DRIVER:
    pytest.skip("no chromium with chromedriver on the path", allow_module_level=True)

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,900",
)
Save = Callable[[str], Path]


class Tab:
    """One tab: opens a file, runs a line of JavaScript, tells what was asked of the network."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, path: Path, fragment: str = "", *, theme: str = "light", width: int = 1280
    ) -> None:
        """Open a file afresh and wait until its table is there."""
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get(path.as_uri() + fragment)
        self.wait("document.documentElement.dataset.ready")

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        return self.driver.execute_script(f"return {script}")

    def wait(self, script: str, seconds: float = 10.0) -> None:
        """Wait until an expression is true. Polls: the page's policy forbids eval."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"still not: {script}"

    def type(self, selector: str, text: str) -> None:
        """Type into a field as a person does."""
        self.driver.find_element("css selector", selector).send_keys(text)

    def click(self, selector: str) -> None:
        """Click an element by script: a label may lie over it."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def complaints(self) -> list[str]:
        """Return what the console said."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return every address that the page asked for."""
        log = self.driver.get_log("performance")
        events = [json.loads(entry["message"])["message"] for entry in log]
        asked = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in asked]

    @property
    def rows(self) -> int:
        """The number of cases on this page of the table."""
        return int(self.run("document.querySelectorAll('#cases-body tr[aria-rowindex]').length"))

    @property
    def count(self) -> str:
        """The line that counts the cases found."""
        return str(self.run("document.getElementById('cases-count').textContent"))


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Start Chromium once for all tests of this module."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield Tab(driver)
    finally:
        driver.quit()


SCREENS = [(width, theme) for width in (1280, 768, 390) for theme in ("light", "dark")]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(("name", "charts"), [("overfit", 1), ("two", 2), ("hostile", 1)])
def test_it_opens_quietly(
    tab: Tab, saved: Save, *, name: str, charts: int, screen: tuple[int, str]
) -> None:
    """On each screen: no complaint, no request but the file, no sideways scroll, one chart each."""
    path, (width, theme) = saved(name), screen
    tab.open(path, theme=theme, width=width)
    assert tab.complaints() == []
    assert tab.requests() == [path.as_uri()]
    assert tab.run("document.documentElement.scrollWidth") <= width
    drawn = "[...document.querySelectorAll('#changes svg')].filter(s => s.getClientRects().length)"
    assert tab.run(f"{drawn}.length") == charts


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_filters(tab: Tab, saved: Save, theme: str) -> None:
    """Status, suite and text narrow the table together; the link in the address bar keeps them."""
    tab.open(saved("overfit"), theme=theme)
    assert tab.rows == 50
    assert tab.count == "1,648 cases, most urgent first"
    tab.click("#status-filter input[value=broken]")
    tab.wait("document.getElementById('cases-count').textContent === '150 of 1,648 cases'")
    tab.type("#suite-filter", "general")
    tab.wait("document.getElementById('cases-count').textContent === '106 of 1,648 cases'")
    tab.type("#text-filter", "night vermeer")
    tab.wait("location.hash === '#cases?status=broken&suite=general&q=night+vermeer'")
    assert 0 < tab.rows < 50
    asked = tab.run("document.querySelector('#cases-body .ask').textContent")
    assert asked.startswith("Who painted the Night Watch?")
    link = tab.run("location.hash")
    before = tab.count
    tab.open(saved("overfit"), link, theme=theme)
    assert tab.count == before
    assert tab.complaints() == []


def test_pages(tab: Tab, saved: Save) -> None:
    """The pager walks through all rows and stops at both ends."""
    tab.open(saved("inconclusive"))
    assert tab.run("document.getElementById('page-back').disabled") is True
    tab.click("#page-on")
    assert tab.run("document.getElementById('page-at').textContent") == "Page 2 of 2"
    assert tab.run("document.querySelector('#cases-body tr').getAttribute('aria-rowindex')") == "52"
    assert tab.run("document.getElementById('page-on').disabled") is True
    tab.click("#page-back")
    assert tab.run("document.getElementById('page-at').textContent") == "Page 1 of 2"


@pytest.mark.parametrize("link", ["#case=heldout-777", "#case=triage%2Fheldout-777"])
def test_deep_link(tab: Tab, saved: Save, link: str) -> None:
    """A link opens its case among 10,000, in view and with the keyboard on it."""
    tab.open(saved("large"), link)
    assert tab.run("document.activeElement.textContent") == "heldout-777"
    assert tab.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert tab.run("document.querySelectorAll('tr.detail .answer').length") == 3
    top = tab.run("document.activeElement.getBoundingClientRect().top")
    assert 0 < top < 900


def test_a_link_to_nothing_says_so(tab: Tab, saved: Save) -> None:
    """A case that is not there is named, and the table stays."""
    tab.open(saved("inconclusive"), "#case=%E0%A4%A")
    assert tab.count == "No case is called %E0%A4%A."
    assert tab.rows == 50
    assert tab.complaints() == []


def test_ten_thousand_cases_are_quick(tab: Tab, saved: Save) -> None:
    """Filtering and paging 10,000 cases draw one page of rows, the search reads all texts."""
    tab.open(saved("large"))
    assert tab.rows == 50
    tab.click("#status-filter input[value=fixed]")
    tab.wait("document.getElementById('cases-count').textContent.includes(' of 10,000 cases')")
    assert tab.rows == 50
    tab.click("#status-filter input[value='']")
    tab.type("#text-filter", "heldout-4999")
    tab.wait("document.getElementById('cases-count').textContent === '2 of 10,000 cases'")


def test_keyboard(tab: Tab, saved: Save) -> None:
    """The first stop is the skip link; a case opens and closes by Enter."""
    tab.open(saved("overfit"))
    tab.type("body", "\ue004")
    assert tab.run("document.activeElement.className") == "skip"
    tab.run("document.querySelector('#cases-body button').focus()")
    for expanded in ("true", "false"):
        tab.driver.switch_to.active_element.send_keys("\ue007")
        tab.wait(f"document.activeElement.getAttribute('aria-expanded') === '{expanded}'")


def test_hostile_answers_are_text(tab: Tab, saved: Save) -> None:
    """Each hostile case, opened, is text: nothing runs, nothing is asked for, nothing is made."""
    path = saved("hostile")
    tab.open(path)
    for number in range(len(HOSTILE)):
        tab.run(f"document.querySelectorAll('#cases-body .open')[{number}].click()")
    tab.wait(f"document.querySelectorAll('tr.detail').length === {len(HOSTILE)}")
    assert tab.run("document.title").endswith("evalkit")
    assert tab.run("document.querySelectorAll('img, a[href^=javascript], script[src]').length") == 0
    assert tab.run("getComputedStyle(document.querySelector('pre')).unicodeBidi") == "plaintext"
    assert tab.complaints() == []
    assert tab.requests() == [path.as_uri()]


def test_without_javascript(tab: Tab, saved: Save) -> None:
    """Without scripts the decision and the flips are there, and what is missing is said."""
    off = "Emulation.setScriptExecutionDisabled"
    tab.driver.execute_cdp_cmd(off, {"value": True})
    try:
        tab.driver.get(saved("overfit").as_uri())
        text = tab.driver.find_element("css selector", "main").text
    finally:
        tab.driver.execute_cdp_cmd(off, {"value": False})
    assert "Do not promote" in text
    assert "triage / heldout-001" in text
    assert "The table of all cases needs JavaScript." in text


def test_print(tab: Tab, saved: Save, tmp_path: Path) -> None:
    """On paper: the decision fills page 1, numbers are opened, the table of cases is left out."""
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on the path")
    tab.open(saved("overfit"))
    printed = tab.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(base64.b64decode(printed["data"]))
    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    )
    first, second, *_ = text.stdout.split("\f")
    assert "Do not promote" in first
    assert "How sure" in first
    assert "20261124T093211Z-7f3a91" in second
    assert "95 % interval" in second
    assert "Search in ids" not in text.stdout
