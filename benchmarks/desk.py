"""How fast the pages are, over a running service: the server's time, bytes over the wire, when the charts are drawn.

tradewind up                       (or make up)
python -m benchmarks.desk
"""

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx
import pandas as pd
from playwright.sync_api import Browser, sync_playwright

from benchmarks.screenshots import DRAWN, QUIET
from benchmarks.tables import machine, markdown

PAGES = {
    "overview": "/",
    "series": "/series/CN_TRADE/X/WLD/TOTAL",
    "series, every forecaster": "/series/CN_CLEANTECH/X/USA/EV?forecasters=show",
    "partners and sectors": "/heatmap",
    "backtest": "/backtest?dataset=CN_TRADE",
    "backtest, growth of quarters": "/backtest?dataset=CN_TRADE&kind=quarter_growth",
    "alerts": "/alerts",
    "runs": "/runs",
}
MEMOS = ("html", "pdf", "docx", "pptx")
DOCUMENTS = {**{f"memo, {form}": f"memo.{form}" for form in MEMOS}, "report, pdf": "report.pdf"}
HEADINGS = ("first, ms", "then, ms", "over the wire, kB", "charts drawn after, ms")
SIZE = {"width": 1180, "height": 1000}
ASKED = 15
WHEN = "() => [...document.querySelectorAll('[data-drawn]')].map((place) => Number(place.dataset.drawn))"


def answered(address: str, path: str) -> tuple[float, float]:
    """Milliseconds of the server's first answer and the median of those after it."""
    taken = []
    with httpx.Client(base_url=address, timeout=60) as client:
        client.get("/live")
        for _ in range(ASKED + 1):
            begun = time.perf_counter()
            client.get(path).raise_for_status()
            taken.append(1000 * (time.perf_counter() - begun))
    return taken[0], statistics.median(taken[1:])


def shown(browser: Browser, address: str, path: str) -> tuple[float, float | None]:
    """Kilobytes that a browser without anything kept is sent, and when the last chart was drawn, in milliseconds."""
    page = browser.new_page(base_url=address, viewport=SIZE)  # type: ignore[arg-type]
    sent: list[float] = []
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    page.goto(path)
    page.wait_for_function(DRAWN)
    drawn: list[Any] = page.evaluate(WHEN)
    page.close()
    return sum(sent) / 1000, max(drawn, default=None)


def measure(address: str, chromium: str) -> pd.DataFrame:
    """A row a page, the columns those of HEADINGS."""
    rows: list[tuple[float, float, float | None, float | None]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        for name, path in PAGES.items():
            rows.append((*answered(address, path), *shown(browser, address, path)))
            print(f"{name} measured", file=sys.stderr)
        browser.close()
    for name, path in documents(address).items():
        rows.append((*answered(address, path), None, None))
        print(f"{name} measured", file=sys.stderr)
    return pd.DataFrame(rows, index=pd.Index([*PAGES, *DOCUMENTS]), columns=list(HEADINGS), dtype=float)


def documents(address: str) -> dict[str, str]:
    """Paths of the documents on the latest run of CN_TRADE; the first answer makes them, later ones repeat them."""
    run = httpx.get(f"{address}/v1/datasets/CN_TRADE/forecasts", params={"limit": 1}).json()["run"]["id"]
    return {name: f"/v1/runs/{run}/{document}" for name, document in DOCUMENTS.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args(arguments)
    if given.chromium is None:
        raise SystemExit("no chromium here (Debian: apt-get install chromium)")
    print(f"{markdown(measure(given.address, given.chromium), 0)}\n\n{machine()}")


if __name__ == "__main__":
    main()
