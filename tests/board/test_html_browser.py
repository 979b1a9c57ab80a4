"""The page in headless Chromium without a network: it sorts, filters, opens cells, draws, and logs no error."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench.board import files, html, html_library, html_payload, html_pictures, published, text
from dqbench.board.reading import Entry, entries_of
from dqbench.records import Record
from dqbench.specs import Recipe

if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("chromium and chromedriver are not there: THE PAGE WAS NOT OPENED", allow_module_level=True)
if not all(importlib.util.find_spec(name) for name in ("selenium", "plotly", "axe_core_python")):
    pytest.skip("selenium, plotly or axe-core is not there: THE PAGE WAS NOT OPENED", allow_module_level=True)

import axe_core_python
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

MakeRecord = Callable[..., Record]
HOSTILE = "</script><img src=x onerror=\"window.hacked=1\"><a href='javascript:window.hacked=2'>&lt;b&gt;"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class Page:
    """An open page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        found = self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)
        return list(found)

    def until(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, 600, 0.05).until(lambda _: condition())

    def command(self, name: str, **values: Any) -> None:
        self.driver.execute_cdp_cmd(name, values)

    def size(self, width: int, height: int) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def prefer(self, scheme: str) -> None:
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path: Path, board: str = "") -> None:
        """Show a board, or the overview, as it is at first."""
        self.size(1600, 1000)
        self.prefer("light")
        if not self.driver.current_url.startswith(path.as_uri()):
            self.driver.get(path.as_uri())
        self.run("location.hash = ''; dispatchEvent(new Event('hashchange'))")
        self.until(lambda: self.all("main .cards"))
        if board:
            self.run("location.hash = arguments[0]", board)
            self.until(lambda: self.all("main .crumbs"))

    def chip(self, group: str, name: str) -> None:
        """Press the chip with this name."""
        (found,) = [c for c in self.all(f'.chips[aria-label="{group}"] .chip') if c.text == name]
        found.send_keys(Keys.SPACE)

    def chart(self, label: str, number: int = 0) -> Any:
        """The traces of a chart whose label starts so, once it is drawn."""
        place = self.all(f'.plot[aria-label^="{label}"]')[number]
        self.run("arguments[0].scrollIntoView({block: 'center'})", place)
        self.until(lambda: place.get_attribute("data-drawn"))
        return self.run("return arguments[0].data.map((t) => ({...t}))", place)

    def column(self, label: str, number: int) -> list[str]:
        return self.texts(f'.scroll[aria-label="{label}"] tbody tr > :nth-child({number})')


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")))
    driver = webdriver.Chrome(options=options, service=service)
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    driver.get("about:blank")
    driver.get_log("performance")
    yield driver
    driver.quit()


@pytest.fixture
def page(driver: webdriver.Chrome) -> Iterator[Page]:
    """A page that must leave no error in the console and ask for nothing but itself."""
    yield Page(driver)
    assert [entry["message"] for entry in driver.get_log("browser")] == []
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:", "chrome:"))} == set()


def _render(entries: list[Entry], path: Path) -> Path:
    library = html_library.installed()
    assert library is not None
    content = html_payload.payload(files.boards(entries), published.load(), html_pictures.none())
    path.write_text(html.render(content, library), encoding="utf-8")
    return path


def _with_curves(record: Record, epochs: int) -> Record:
    points = [{"epoch": float(e), "loss": 2 / (e + 1), "accuracy": e / (epochs + 1), "lr": 0.1} for e in range(epochs)]
    return record.model_copy(update={"runs": [run.model_copy(update={"curve": points}) for run in record.runs]})


ARCHS = ("resnet18", "convnet3")
KEEPS = (0.1, 0.2, 0.4)


@pytest.fixture(scope="module")
def records(request: pytest.FixtureRequest) -> list[Record]:
    """CIFAR-10 at the profile paper with five seeds, a failure and a hostile method; smoke; two more tasks."""
    spec = importlib.util.spec_from_file_location("factory", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    make, rng = factory.make_record, np.random.default_rng(0)
    paper: dict[str, Any] = {
        "profile": "paper",
        "recipe": Recipe(name="paper", epochs=200, batch_size=128, lr=0.1, augment=("crop4", "flip")),
        "source": {"train_per_class": None, "test_per_class": None, "train_samples": 50000, "test_samples": 10000},
    }
    found = []
    for task in ("cifar10-xarch", "digits-xarch", "third-task"):
        for arch in ARCHS:
            full = make("full", 1.0, list(90 + rng.normal(0, 0.5, 5)), arch, task=task, **paper)
            runs = [run.model_copy(update={"best_epoch_score": run.score + 0.5}) for run in full.runs]
            found.append(_with_curves(full.model_copy(update={"runs": runs}), 200))
            for keep in KEEPS:
                for method, lift in (("random", 0.0), ("dq", 0.5), ("adq", 4.0)):
                    scores = list(60 + 40 * keep + lift + rng.normal(0, 0.5, 5))
                    found.append(_with_curves(make(method, keep, scores, arch, task=task, **paper), 50))
    found.append(make("broken", 0.1, [0.0], "resnet18", status="failed", **paper))
    hostile = make(HOSTILE, 0.1, [50.0, 52.0], config={"<b>x": HOSTILE}, variant=HOSTILE)
    smoke = [make("random", 0.1, [50.0, 51.0]), hostile.model_copy(update={"command": HOSTILE})]
    return [*found, *smoke]


@pytest.fixture(scope="module")
def site(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _render(entries_of(records), tmp_path_factory.mktemp("site") / "index.html")


@pytest.fixture(scope="module")
def board_of(records: list[Record]) -> Callable[[str], str]:
    made = [board for found in files.boards(entries_of(records)).values() for board in found]

    def find(start: str) -> str:
        (identity,) = [i for board in made if (i := html_payload.identity(board)).startswith(start)]
        return identity

    return find


CIFAR = "cifar10-xarch-1-paper"
SCORES = "score of every method"


def _side_by_side(page: Page) -> None:
    """Show every architecture in the table of scores."""
    (field,) = [f for f in page.all(".field") if f.text.startswith("architecture") and "all side by side" in f.text]
    page.run(
        "const s = arguments[0].querySelector('select'); s.value = ''; s.dispatchEvent(new Event('change'))", field
    )


def test_the_overview_opens_with_the_answer_and_folds_smoke(page: Page, site: Path) -> None:
    page.open(site)
    assert page.all("table.answer tbody tr")
    assert page.all("section.answers .said li")
    assert not page.one("details.checks").get_attribute("open")


def test_the_overview_has_a_card_for_each_board_and_filters_them(page: Page, site: Path) -> None:
    page.open(site)
    assert len(page.all("a.card")) == 4
    page.run(
        "const s = document.querySelector('.fields select'); s.value = 'smoke'; s.dispatchEvent(new Event('change'))"
    )
    (card,) = page.all("a.card")
    assert "smoke" in card.text
    card.click()
    page.until(lambda: page.one("h1").text == "cifar10-xarch@1")


def test_an_address_that_cannot_be_read_shows_the_overview(
    page: Page, site: Path, board_of: Callable[[str], str]
) -> None:
    page.open(site, board_of(CIFAR))
    page.run("location.hash = '#%'")
    page.until(lambda: page.all("main .cards"))
    page.open(site, board_of(CIFAR))
    assert "null" not in page.run("return [...document.querySelector('main').childNodes].map((n) => n.nodeValue)")


def test_the_critical_differences_are_drawn_where_they_may_be(page: Page, site: Path) -> None:
    page.open(site)
    (drawing,) = page.all("svg.cd")
    assert drawing.get_attribute("aria-label").startswith("Average ranks: adq 1.00")
    assert "over 3 tasks" in page.one(".critical figcaption").text


def test_the_scores_on_screen_are_the_boards(
    page: Page, site: Path, board_of: Callable[[str], str], records: list[Record]
) -> None:
    page.open(site, board_of(CIFAR))
    (board,) = [b for b in files.boards(entries_of(records))["cifar10-xarch"] if b.section.setting.profile == "paper"]
    _side_by_side(page)
    shown = page.texts(f'.scroll[aria-label="{SCORES}"] button.cell')
    best_first = {"full": 0, "random": 1, "adq": 2, "dq": 3, "broken": 4}
    numbers = [
        cell
        for row in sorted(board.section.rows, key=lambda row: best_first[row.method])
        for n in board.section.networks
        for b in board.section.budgets
        if (cell := board.cell(row, n, b))
    ]
    expected = [text.score(cell.score) + text.MARKS[cell.mark] for cell in numbers]
    assert [words for words in shown if words != "failed"] == expected
    assert shown.count("failed") == 1


def test_columns_sort_by_click_and_by_key(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    headers = page.all('.scroll[aria-label="All cells"] thead button')
    names = [header.text.strip() for header in headers]
    score = names.index("score")
    headers[score].click()
    numbers = [float(words.split(" ")[0]) for words in page.column("All cells", score + 1) if words != "failed"]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 20
    header = page.all('.scroll[aria-label="All cells"] thead th')[score]
    assert header.get_attribute("aria-sort") == "descending"
    headers[score].send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "ascending"
    ascending = page.column("All cells", score + 1)
    assert [float(words.split(" ")[0]) for words in ascending[:-1]] == sorted(numbers)
    assert ascending[-1] == "failed"
    headers[names.index("Δ random")].click()
    blanks = [words == "" for words in page.column("All cells", names.index("Δ random") + 1)]
    assert blanks == sorted(blanks)
    assert header.get_attribute("aria-sort") is None


def test_filters_hide_rows_columns_and_lines(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    assert len(page.chart("Score against samples kept on resnet18")) == 2 + 2 * 3
    page.chip("Methods", "dq")
    page.chip("Budgets", "keep 0.4")
    page.chip("Methods", "broken")
    page.chip("Architectures", "convnet3")
    assert page.column(SCORES, 1) == ["full", "random", "adq"]
    assert page.texts(f'.scroll[aria-label="{SCORES}"] thead tr:last-child th button') == [
        "method",
        "rank",
        "keep 0.1",
        "keep 0.2",
    ]
    assert set(page.column("All cells", 3)) == {"resnet18"}
    assert len(page.all('.plot[aria-label^="Score against samples kept"]')) == 1
    traces = page.chart("Score against samples kept on resnet18")
    assert [trace["name"] for trace in traces if trace.get("name")] == ["random", "adq"]
    page.chip("Methods", "dq")
    assert page.column(SCORES, 1) == ["full", "random", "adq", "dq"]


def test_the_regime_leads_to_another_board(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    field = "document.querySelector('.hero .fields select')"
    page.run(f"{field}.value = 'smoke'; {field}.dispatchEvent(new Event('change'))")
    page.until(lambda: page.texts(".hero .badge")[0] == "smoke")
    assert len(page.column(SCORES, 1)) == 2


def test_lines_and_bands_are_the_boards(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    data = page.run("return JSON.parse(document.getElementById('data').textContent)")
    (board,) = [b for b in data["boards"] if b["id"] == board_of(CIFAR)]
    row, network = [r["name"] for r in board["rows"]].index("adq"), board["networks"].index("resnet18")
    cells = [c for c in board["cells"] if (c["r"], c["n"]) == (row, network)]
    traces = page.chart("Score against samples kept on resnet18")
    at = [trace.get("name") for trace in traces].index("adq")
    assert traces[at]["y"] == [c["score"][0] for c in cells]
    assert traces[at]["x"] == [0.5, 1, 2]
    assert traces[at - 1]["y"] == [c["score"][2] for c in cells] + [c["score"][1] for c in cells][::-1]


@pytest.mark.parametrize("what", ["bytes", "seconds"])
def test_the_pareto_front_is_what_nothing_beats(
    page: Page, site: Path, board_of: Callable[[str], str], what: str
) -> None:
    page.open(site, board_of(CIFAR))
    traces = page.chart(f"Score against {what}")
    (front,) = [trace for trace in traces if trace.get("name") == "front"]
    points = {(x, y) for t in traces if "markers" in t["mode"] for x, y in zip(t["x"], t["y"], strict=True)}
    best = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
    assert set(zip(front["x"], front["y"], strict=True)) == best
    assert len(points) == (10 if what == "bytes" else 9)


def test_heat_map_and_published_are_drawn(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    (heat,) = page.chart("Δ random of every method")
    assert (heat["y"], len(heat["x"])) == (["dq", "adq"], 2)
    assert page.chart("Measured against published")
    rows = page.column("Measured beside published", 1)
    assert "full" in rows


def test_a_cell_opens_by_key_and_closes_with_escape(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    button = page.all(f'.scroll[aria-label="{SCORES}"] tbody tr:nth-child(3) button.cell')[0]
    button.send_keys(Keys.ENTER)
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    assert "adq" in page.one("#cell-title").text
    assert page.column("Seeds", 1) == ["0", "1", "2", "3", "4"]
    shown = page.one("#cell").text
    for words in ("dqbench run --method adq", "Recipe", "Versions", "2.6.0", "a CPU", "observer", "keep 0.1"):
        assert words in shown
    assert len(page.chart("Training accuracy by epoch")) == 5
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    page.until(lambda: not page.run("return document.getElementById('cell').open"))
    assert page.run("return document.activeElement === arguments[0]", button)


def test_a_pooled_cell_names_its_records_and_the_classes(page: Page, records: list[Record], tmp_path: Path) -> None:
    def part(record: Record, first: int) -> Record:
        metrics = {"top1": 50.0, "per_class": [10.0 * (9 - label) for label in range(10)]}
        runs = [
            run.model_copy(update={"seed": run.seed + first, "metrics": metrics, "score": 50.0}) for run in record.runs
        ]
        cell = record.cell.model_copy(update={"seeds": tuple(run.seed for run in runs)})
        return record.model_copy(update={"runs": runs, "cell": cell, "key": f"{first:064d}"})

    model = next(record for record in records if record.cell.method == "dq" and len(record.runs) == 5)
    path = _render(entries_of([part(model, 0), part(model, 5)]), tmp_path / "index.html")
    page.open(path, files_board(path))
    page.all("button.cell")[0].click()
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    assert page.column("Pooled records", 1) == ["seeds 0–4", "seeds 5–9"]
    assert page.column("Seeds", 1) == [str(seed) for seed in range(10)]
    assert page.column("Classes", 1) == [str(label) for label in range(10)]
    assert page.column("Classes", 2) == [f"{10 * (9 - label):.1f}" for label in range(10)]
    assert "predictions that are not here" in page.one("#cell").text


def files_board(path: Path) -> str:
    """The identity of the only board of a page."""
    (identity,) = re.findall(r'"boards":\[\{"id":"([^"]+)"', path.read_text(encoding="utf-8"))
    return str(identity)


def test_a_failed_cell_says_why(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    page.all("button.cell.failed")[0].click()
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    assert "ValueError: it broke" in page.one("#cell").text


def test_hostile_records_are_only_text(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of("cifar10-xarch-1-smoke"))
    assert HOSTILE in page.column(SCORES, 1)[1]
    traces = page.chart("Score against samples kept")
    assert not any("<a" in str(trace.get("name")) for trace in traces)
    page.all(f'.scroll[aria-label="{SCORES}"] tbody tr:nth-child(2) button.cell')[0].send_keys(Keys.ENTER)
    page.until(lambda: HOSTILE in page.one("#cell").text)
    assert page.run("return [window.hacked ?? null, document.images.length]") == [None, 0]


def test_a_board_opens_with_the_intervals_of_its_differences(
    page: Page, site: Path, board_of: Callable[[str], str]
) -> None:
    page.open(site, board_of(CIFAR))
    titles = page.texts(".forest .mark title")
    assert len(titles) == 2 * 3 * 2
    assert all(("▲" in title) == title.startswith("adq") for title in titles)
    page.chip("Methods", "dq")
    assert len(page.all(".forest .mark")) == 3 * 2
    page.run("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", page.all(".forest .mark.above")[0])
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    assert "adq" in page.one("#cell-title").text


def test_an_address_shows_what_its_sender_saw(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    page.chip("Methods", "dq")
    page.chip("Budgets", "keep 0.2")
    page.all('.segmented[aria-label="Measure"] button')[1].click()
    button = page.all('.scroll[aria-label="Δ random of every method"] button.cell')[0]
    button.click()
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    title, address = page.one("#cell-title").text, page.run("return location.href")
    page.driver.get("about:blank")
    page.driver.get(address)
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    assert page.one("#cell-title").text == title
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    page.until(lambda: "cell=" not in page.run("return location.hash"))
    assert page.column("Δ random of every method", 1) == ["adq", "broken"]
    assert "keep 0.2" not in page.texts('.scroll[aria-label="Δ random of every method"] thead button')


def test_the_order_of_a_table_outlives_a_filter(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    heads = page.all('.scroll[aria-label="All cells"] thead button')
    score = [head.text.strip() for head in heads].index("score")
    heads[score].click()
    page.chip("Methods", "adq")
    numbers = [float(words.split(" ")[0]) for words in page.column("All cells", score + 1) if words != "failed"]
    assert numbers == sorted(numbers, reverse=True)


def test_one_tab_stop_for_the_cells_of_a_table(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    page.open(site, board_of(CIFAR))
    table = f'.scroll[aria-label="{SCORES}"]'
    (first,) = page.all(f'{table} button.cell[tabindex="0"]')
    first.send_keys(Keys.ARROW_RIGHT)
    (second,) = page.all(f'{table} button.cell[tabindex="0"]')
    assert second != first
    assert page.run("return document.activeElement === arguments[0]", second)
    second.send_keys(Keys.ARROW_DOWN)
    second = page.run("return document.activeElement")
    assert page.run("return arguments[0].closest('tr').rowIndex", second) == 1 + page.run(
        "return arguments[0].closest('tr').rowIndex", first
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_for_keyboards_and_screen_readers(
    page: Page, site: Path, board_of: Callable[[str], str], scheme: str
) -> None:
    for board in ("", board_of(CIFAR), board_of("cifar10-xarch-1-smoke")):
        page.open(site, board)
        page.prefer(scheme)
        assert _faults(page) == []
    page.all("button.cell")[0].click()
    page.until(lambda: page.run("return document.getElementById('cell').open"))
    assert _faults(page) == []


def _faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, each with an element."""
    if not page.run("return Boolean(window.axe)"):
        page.command("Page.setBypassCSP", enabled=True)
        page.run((Path(axe_core_python.__file__).parent / "axe.min.js").read_text() + ";window.axe = axe;")
    found = page.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done, (e) => done(String(e)))"
    )
    serious = [fault for fault in found["violations"] if fault["impact"] in ("serious", "critical")]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in serious]


def test_the_theme_follows_the_system_and_the_button(page: Page, site: Path, board_of: Callable[[str], str]) -> None:
    colour = "return getComputedStyle(document.body).backgroundColor"
    page.open(site, board_of(CIFAR))
    light = page.run(colour)
    page.prefer("dark")
    dark = page.until(lambda: page.run(colour) if page.run(colour) != light else None)
    page.one("#theme").click()
    assert page.run(colour) == light
    page.one("#theme").click()
    page.prefer("light")
    assert page.run(colour) == dark
    page.one("#theme").click()
    assert page.run(colour) == light


@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_is_wider_than_the_screen(page: Page, site: Path, board_of: Callable[[str], str], width: int) -> None:
    for board in ("", board_of(CIFAR), board_of("cifar10-xarch-1-smoke")):
        page.open(site, board)
        page.size(width, 900)
        assert page.until(lambda: page.run("return document.documentElement.scrollWidth") <= width)
    page.all("button.cell")[0].click()
    assert page.run("return document.getElementById('cell').scrollWidth") <= width


def test_two_thousand_cells_fit_and_open(page: Page, records: list[Record], tmp_path: Path) -> None:
    models = [r for r in records if r.status == "done" and r.cell.profile == "paper"]
    found: dict[str, Record] = {}
    for number in range(2000):
        model = models[number % len(models)]
        task = f"{model.cell.task}-{number // len(models):02}"
        found[str(number)] = model.model_copy(update={"cell": model.cell.model_copy(update={"task": task})})
    path = _render([Entry(record, place, place) for place, record in found.items()], tmp_path / "index.html")
    assert path.stat().st_size < 6_000_000
    page.driver.get(path.as_uri())
    assert len(page.all("a.card")) >= 30
