"""The pages in a real browser: Debian's chromium, driven by Playwright, under the pages' own security policy."""

import io
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import uvicorn
from numpy.testing import assert_allclose
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from sqlmodel import Session

from api.app import create_app
from presentation import formatting
from store.queries import api_keys, run_status
from tests.integration.api.conftest import options
from tests.support.pages_world import PagesWorld, pages_world, queue

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
SERIES = "/series/CN_CLEANTECH/X/USA/EV"
BACKTEST = "/backtest?dataset=CN_CLEANTECH&partner=USA&sector=EV&kind=quarter_growth"
SCENARIO = "/scenarios?dataset=CN_CLEANTECH&partner=USA&sector=EV&period=2026&value=-20"
PAGES = (
    "/",
    "/ask?dataset=CN_TRADE&period=2026&above=100",
    "/compare",
    "/alerts",
    "/consensus",
    "/series",
    SERIES,
    f"{SERIES}?forecasters=show",
    "/heatmap",
    "/events",
    SCENARIO,
    "/backtest",
    BACKTEST,
    "/runs",
    "/runs/3",
    "/runs/999",
)
PAPER = {"width": 718, "height": 1000}
PHONE = {"width": 375, "height": 800}
# Results are selected in the page: all of them are megabytes, which take longer to send than to find.
CHECK = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    const barriers = found.violations.filter((violation) => ["serious", "critical"].includes(violation.impact));
    const elements = (violation) => violation.nodes.map((node) => node.html.slice(0, 150));
    return [found.passes.length, Object.fromEntries(barriers.map((barrier) => [barrier.id, elements(barrier)]))];
}"""
DRAWN = "() => [...document.querySelectorAll('[data-chart]')].every((place) => place.dataset.drawn)"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def pages(server_url: str, template: str) -> Iterator[PagesWorld]:
    with pages_world(server_url, template, "pages_browser") as world:
        yield world


@contextmanager
def served(pages: PagesWorld, **changes: Any) -> Iterator[str]:
    """A server of the application in a thread of its own."""
    app = create_app(engine=pages.engine, options=options(**changes))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def address(pages: PagesWorld) -> Iterator[str]:
    with served(pages) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of a fresh browser context; what its console says is collected."""
    context = browser.new_context(base_url=address, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def opened(page: Page, url: str) -> list[str]:
    """Open a page and wait for its charts; returns errors and warnings of the console."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    page.wait_for_function(DRAWN)
    return complaints


def check_accessibility(page: Page) -> None:
    """axe finds more than ten rules that the page keeps, and no serious violation."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    passed, barriers = page.evaluate(CHECK)
    assert passed > 10
    assert barriers == {}


@pytest.mark.parametrize("url", PAGES)
def test_a_page_has_no_console_errors_is_accessible_and_fits_phones_and_paper(page: Page, url: str) -> None:
    complaints = [text for text in opened(page, url) if "status of 404" not in text]
    assert complaints == []
    check_accessibility(page)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    check_print(page)


def check_print(page: Page) -> None:
    """A printed page has charts and tables, and no controls."""
    # A4 between margins of a centimetre.
    page.set_viewport_size(PAPER)  # type: ignore[arg-type]
    page.emulate_media(media="print")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PAPER["width"]
    assert not any(shown.is_visible() for shown in page.locator("nav, .downloads, form, button").all())
    charts = page.locator(".chart svg.marks").all()
    assert len(charts) == page.locator("[data-chart]").count()
    assert all(chart.is_visible() for chart in charts)


@pytest.mark.parametrize("url", [*PAGES, f"{SERIES}?frequency=A"])
def test_a_page_is_accessible_in_dark_mode_on_a_phone(page: Page, url: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert [text for text in opened(page, url) if "status of 404" not in text] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    background = page.evaluate("() => getComputedStyle(document.documentElement).getPropertyValue('--page').trim()")
    assert background == "#11181f"
    check_accessibility(page)


def test_every_control_is_reachable_by_keyboard(page: Page) -> None:
    opened(page, SERIES)
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    reachable = page.locator("a[href], button, select, input:not([type=hidden]), summary, .scroll").count()
    reached = set()
    for _ in range(2 * reachable):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.outerHTML.slice(0, 300)"))
    wanted = {"Copy the API call", "Table: Forecast", "Every forecaster", "Parquet", "Quarter"}
    assert {words for words in wanted if any(words in html for html in reached)} == wanted


def test_a_person_signs_in_with_a_key_and_out_again(browser: Browser, pages: PagesWorld) -> None:
    with Session(pages.engine) as session:
        key = api_keys.create(session, name="a person", scopes=["read"], now=datetime(2026, 1, 20, tzinfo=UTC))
        session.commit()
    with served(pages, require_key_to_read=True) as url:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        complaints = [text for text in opened(page, SERIES) if "status of 401" not in text]
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate("async () => (await axe.run(document)).violations.map((violation) => violation.id)") == []
        page.get_by_label("API key").fill("tw_wrong")
        page.get_by_role("button", name="Sign in").click()
        assert "unknown or has expired" in page.get_by_role("alert").inner_text()
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{SERIES}")
        page.wait_for_function(DRAWN)
        assert complaints == []
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert page.evaluate("() => document.cookie") == ""
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        page.goto(SERIES)
        assert page.locator("h1").inner_text() == "Sign in"
        context.close()


def test_the_fan_has_its_marks(page: Page) -> None:
    opened(page, SERIES)
    chart = page.locator("#forecast .chart")
    assert chart.locator("g.mark-area path").count() == 3
    assert chart.locator("g.mark-line path").count() >= 3
    widths = [box["width"] for path in chart.locator("g.mark-area path").all() if (box := path.bounding_box())]
    heights = [box["height"] for path in chart.locator("g.mark-area path").all() if (box := path.bounding_box())]
    assert min(widths) > 50
    # The surest interval is the widest, and lies at the bottom.
    assert heights == sorted(heights, reverse=True)


def first_row(page: Page) -> list[str]:
    cells = page.locator("#forecast tbody tr").first.locator("th, td").all_inner_texts()
    return [cell.replace(formatting.NBSP, " ") for cell in cells]


def test_switches_change_the_figures_to_those_of_the_api(page: Page, pages: PagesWorld) -> None:
    opened(page, SERIES)
    query: dict[str, Any] = {"flow": "X", "partner": "USA", "sector": "EV", "level": 80}
    for clicks, more, show in (
        ([], {}, lambda value: formatting.money(value, "USD m")),
        (["Quarter"], {"frequency": "Q"}, lambda value: formatting.money(value, "USD m")),
        (["Growth on a year ago"], {"frequency": "Q", "units": "pc1"}, formatting.per_cent_change),
        (["Share"], {"frequency": "Q", "units": "share", "of": "sector"}, formatting.per_cent),
    ):
        for name in clicks:
            page.get_by_role("link", name=name, exact=True).click()
        answer = page.request.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params={**query, **more}).json()
        first = next(row for row in answer["series"][0]["months"] if row["median"] is not None)
        bounds = first["intervals"][0]
        shown = [show(value).replace(formatting.NBSP, " ") for value in (first["median"], bounds["lo"], bounds["hi"])]
        row = first_row(page)
        assert [row[1], row[4], row[5]] == shown


def test_choosing_a_partner_leads_to_its_series(page: Page) -> None:
    opened(page, SERIES)
    page.get_by_label("Partner").select_option("EU27")
    page.wait_for_url("**/series/CN_CLEANTECH/X/EU27/EV")
    assert page.locator("h1").inner_text() == "Exports to European Union, electric vehicles"


@pytest.mark.parametrize("form", ["CSV", "XLSX", "Parquet"])
def test_downloads_open_in_other_programs(page: Page, form: str) -> None:
    opened(page, SERIES)
    with page.expect_download() as waiting:
        page.locator("#forecast").get_by_role("link", name=form).click()
    content = Path(waiting.value.path()).read_bytes()
    if form == "XLSX":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        assert sheet is not None
        median = [row[1].value for row in sheet.iter_rows(min_row=2)]
    else:
        read = pd.read_csv if form == "CSV" else pd.read_parquet
        median = read(io.BytesIO(content))["median"].tolist()
    assert len(median) == 14
    assert np.isfinite(np.array(median, dtype=float)).all()


def test_the_api_call_is_copied_with_one_click(page: Page, pages: PagesWorld) -> None:
    opened(page, SERIES)
    page.locator("#forecast").get_by_role("button", name="Copy the API call").click()
    page.get_by_text("Copied.").wait_for()
    call = page.evaluate("() => navigator.clipboard.readText()")
    assert call.startswith("curl 'http://127.0.0.1:")
    answer = page.request.get(call.split("'")[1]).json()
    assert answer["run"]["id"] == pages.clean.run_id
    shown = answer["series"][0]["months"][0]["median"]
    assert_allclose(shown, pages.clean.median[pages.clean.row("CN_CLEANTECH.X.USA.EV"), 0])


def test_a_running_run_shows_its_progress_and_its_end(page: Page, pages: PagesWorld) -> None:
    now = datetime(2026, 1, 21, tzinfo=UTC)
    with Session(pages.engine) as session:
        run = queue(session)
        session.commit()
        opened(page, f"/runs/{run}")
        run_status.start(session, run, cutoff=now.date().replace(day=1), data_hash="9" * 64, started_at=now)
        run_status.progress(session, run, stage="fit", done=3, total=12)
        session.commit()
        page.get_by_text("forecasting, 3 of 12 series").wait_for()
        assert page.locator("progress").get_attribute("value") == "3"
        run_status.fail(session, run, finished_at=now, reason="made to fail")
        session.commit()
        page.get_by_text("The run failed: made to fail").wait_for()


def test_the_tooltip_shows_the_figures_of_a_month(page: Page) -> None:
    opened(page, SERIES)
    box = page.locator("#forecast .chart svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + box["height"] * 0.5)
    page.locator("#tip").wait_for()
    assert "80 %:" in page.locator("#tip").inner_text()


def test_links_work_by_keyboard(page: Page) -> None:
    opened(page, SERIES)
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.get_by_role("link", name="Quarter", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**frequency=Q**")


def test_headings_of_the_heat_map_sort_it(page: Page) -> None:
    opened(page, "/heatmap")
    page.get_by_role("link", name="Electric vehicles", exact=True).click()
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Electric vehicles")
    page.get_by_label("Search").fill("germ")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=germ**")
    assert page.locator("#heat tbody th").all_inner_texts() == ["Germany"]


def test_print_hides_controls(page: Page) -> None:
    opened(page, SERIES)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not any(form.is_visible() for form in page.locator("form.choose").all())
    assert not page.locator(".downloads").first.is_visible()
    assert page.locator("#forecast .chart svg").is_visible()


def test_charts_are_drawn(page: Page) -> None:
    opened(page, "/")
    # A busy machine may take several times as long as an idle one, where it is less than a second.
    assert (
        page.evaluate("() => Math.max(...[...document.querySelectorAll('[data-chart]')].map((e) => +e.dataset.drawn))")
        < 5000
    )


def test_the_slider_shows_the_forecast_of_another_day(page: Page) -> None:
    assert opened(page, SERIES) == []
    chart, slider = page.locator("#then .chart"), page.locator("#then-slider")
    before = chart.locator("g.mark-area path").first.get_attribute("d")
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "(old) => document.querySelector('#then .chart g.mark-area path').getAttribute('d') !== old", arg=before
    )
    made = slider.get_attribute("data-cutoffs")
    assert made is not None
    assert page.url.endswith(f"made={made.split()[-1]}")
    assert "data to" in page.locator("#then output").inner_text()
    page.reload()
    page.wait_for_function(DRAWN)
    assert page.locator("#then-slider").input_value() == str(len(made.split()) - 1)


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_labels_of_lines_are_inside_the_chart_and_apart(page: Page, width: int, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    assert opened(page, f"{SERIES}?forecasters=show") == []
    chart = page.locator("#forecast .chart svg")
    frame = chart.bounding_box()
    labels = page.locator("#forecast .chart g.mark-text.role-mark text").all()
    assert {label.text_content() for label in labels} == {"theta", "seasonal naive"}
    boxes = [box for label in labels if (box := label.bounding_box())]
    assert frame is not None
    assert len(boxes) == 2
    assert all(frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] for box in boxes)
    upper, lower = sorted(boxes, key=lambda box: box["y"])
    assert upper["y"] + 11 <= lower["y"]


def test_a_term_explains_itself_on_focus(page: Page) -> None:
    opened(page, "/backtest")
    term = page.locator("abbr.term", has_text="MASE").first
    assert term.get_attribute("title") is None
    assert "below 1 beats" in str(term.get_attribute("aria-description"))
    term.focus()
    page.locator("#tip").wait_for()
    assert "below 1 beats repeating last year" in page.locator("#tip").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")


def test_a_rule_is_added_on_the_page(page: Page, pages: PagesWorld) -> None:
    with Session(pages.engine) as session:
        key = api_keys.create(session, name="writer", scopes=["write"], now=datetime(2026, 1, 20, tzinfo=UTC))
        session.commit()
    opened(page, "/alerts")
    page.get_by_label("Above").fill("1,000")
    page.get_by_label("API key").fill("tw_wrong")
    page.get_by_role("button", name="Add the rule").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Above").input_value() == "1,000"
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Add the rule").click()
    page.get_by_role("heading", name="1 rule").wait_for()
    assert "above 1,000" in page.locator("#rules").inner_text()


def test_the_first_column_of_a_table_stays_while_it_scrolls(page: Page) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    opened(page, SERIES)
    scroll, head = page.locator("#forecast .scroll"), page.locator("#forecast thead th").first
    before = head.bounding_box()
    scroll.evaluate("(box) => { box.scrollLeft = 200; box.scrollTop = 60; }")
    after = head.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"], after["y"]) == (before["x"], before["y"])
