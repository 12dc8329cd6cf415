"""The page of runs in a real browser: it asks for nothing, says all, and whatever a text holds does nothing in it.

It needs Debian's `chromium` and `chromium-driver`, selenium from PyPI, and axe-core from npm (`npm install axe-core`
here, or AXE_CORE with the path of its axe.min.js); what is missing is said, and its tests are skipped.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baseten_jobs.planning.records.record import Record, Telling
from baseten_jobs.report import formats
from tests.report.run_records import a_record

webdriver = pytest.importorskip("selenium.webdriver", reason="no browser is driven here without selenium")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

pytestmark = pytest.mark.slow

Driver = Any
SIZES = (1, 50, 2000)
WIDTHS = (400, 1600)
SCHEMES = ("light", "dark")
EVERY = "[...document.querySelectorAll('*')]"
ELEMENTS = {"script": 1, "style": 1, "meta": 5, "link": 1, "img": 0, "iframe": 0, "b": 0, "main a:not([href^='#'])": 0}
"""As many are in every page, by their selectors."""


def _axe() -> Path | None:
    places = (os.environ.get("AXE_CORE"), Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js")
    return next((Path(place) for place in places if place and Path(place).is_file()), None)


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    service = shutil.which("chromedriver")
    if not browser or not service:
        pytest.skip("there is no chromium with its chromedriver here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(service))
    opened.set_script_timeout(400)
    opened.set_page_load_timeout(120)
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for size in SIZES:
        (folder / f"{size}.html").write_text(_page(a_record(size, 7 if size < 100 else 60)))
    (folder / "hostile.html").write_text(_page(a_record(40, hostile=True)))
    (folder / "none.html").write_text(_page(Record()))
    return folder


def _page(record: Record) -> str:
    return formats.RUNS["html"](record, Telling())


def shown(driver: Driver, page: Path, width: int = 1600, scheme: str = "light") -> None:
    """Open a page from disk, after the logs of the one before were read."""
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(page.as_uri())


def asked(driver: Driver) -> list[str]:
    """Every address that was asked for since the page was opened."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    sent = (each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent")
    return [url for url in sent if not url.startswith("data:")]


@pytest.mark.parametrize("name", [*map(str, SIZES), "hostile", "none"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_asks_for_nothing_and_fits(name: str, width: int, scheme: str, driver: Driver, pages: Path) -> None:
    page = pages / f"{name}.html"
    shown(driver, page, width, scheme)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert asked(driver) == [page.as_uri()]
    assert [entry["message"] for entry in driver.get_log("browser")] == []
    assert (
        driver.execute_script(f"return {EVERY}.filter(e => parseFloat(getComputedStyle(e).fontSize) < 9).length") == 0
    )


def test_what_a_text_holds_does_nothing_and_is_read(driver: Driver, pages: Path) -> None:
    shown(driver, pages / "hostile.html")
    assert driver.execute_script("return window.hit") is None
    counts = {name: len(driver.find_elements(By.CSS_SELECTOR, name)) for name in ELEMENTS}
    assert counts == ELEMENTS
    has = "e => [...e.attributes].some(a => /^on|^style$|^autofocus$/.test(a.name))"
    assert driver.execute_script(f"return {EVERY}.filter({has}).length") == 0
    text = driver.execute_script("return document.body.textContent")
    assert "<script>window.hit=1</script>" in text
    assert "\\u202eevil" in text
    assert "sesame" not in text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_screen_reader_is_told_of_every_run(size: int, width: int, driver: Driver, pages: Path) -> None:
    shown(driver, pages / f"{size}.html", width)
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert [name for name in roles["heading"] if name] == [
        "Runs of training", "Spend per week", "Where it went", "Timeline", "All runs",
    ]  # fmt: skip
    assert "All runs" in roles["table"]
    assert len(roles["row"]) >= size
    assert roles["searchbox"] == ["Find"]
    assert roles["main"] == [""]


def test_the_page_works_by_keyboard(driver: Driver, pages: Path) -> None:
    shown(driver, pages / "50.html")
    active = "return document.activeElement.id || document.activeElement.textContent"
    keys = webdriver.ActionChains(driver)
    keys.send_keys(Keys.TAB).perform()
    assert driver.execute_script(active) == "Skip to the table"
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    keys.send_keys(Keys.TAB).perform()
    assert driver.execute_script(active) == "find"
    driver.switch_to.active_element.send_keys("sweep-3")
    wait(driver, "return document.getElementById('shown').textContent", "7 of 50 runs")
    driver.switch_to.active_element.send_keys(Keys.CONTROL, "a")
    driver.switch_to.active_element.send_keys(Keys.DELETE)
    wait(driver, "return document.getElementById('shown').textContent", "50 runs")
    cost = driver.find_element(By.XPATH, "//th[button='Cost']")
    costs = "return [...document.querySelectorAll('.runs tbody tr')].map(row => Number(row.cells[5].dataset.v))"
    cost.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert cost.get_attribute("aria-sort") == "descending"
    found = driver.execute_script(costs)
    assert found == sorted(found, reverse=True)
    cost.find_element(By.TAG_NAME, "button").send_keys(Keys.SPACE)
    assert cost.get_attribute("aria-sort") == "ascending"
    assert driver.execute_script(costs) == found[::-1] or driver.execute_script(costs) == sorted(found)
    link = driver.find_element(By.CSS_SELECTOR, ".runs tbody a[href^='#run-']")
    link.send_keys(Keys.ENTER)
    assert driver.execute_script("return '#' + document.activeElement.id") == link.get_attribute("hash")


def test_a_bar_leads_to_its_run(driver: Driver, pages: Path) -> None:
    shown(driver, pages / "50.html")
    driver.execute_script(
        "document.querySelector('[data-run=\"7\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert driver.execute_script("return document.activeElement.id") == "run-7"


def wait(driver: Driver, script: str, expected: object) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 30, 0.05).until(lambda _: driver.execute_script(script) == expected)


@pytest.mark.parametrize("name", [*map(str, SIZES), "hostile", "none"])
@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1600, "light"), (1600, "dark"), (400, "light")])
def test_axe_finds_nothing(name: str, width: int, scheme: str, driver: Driver, pages: Path) -> None:
    if (axe := _axe()) is None:
        pytest.skip("there is no axe-core here: npm install axe-core, or AXE_CORE=.../axe.min.js")
    if name == "2000" and (width, scheme) not in ((400, "dark"), (1600, "light")):
        pytest.skip("2,000 runs are looked at once for each width")
    shown(driver, pages / f"{name}.html", width, scheme)
    driver.execute_script(axe.read_text())
    found = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations.map("
        "v => [v.id, v.impact, v.nodes.length, v.nodes[0].html.slice(0, 200)])), e => done(String(e)))"
    )
    assert found == []
