"""The pictures of pages in README.md, taken by chromium from a running service.

tradewind up                       (or make up)
python benchmarks/screenshots.py docs
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

PAGES = {
    "partners": "/partners",
    "series": "/series/CN_TRADE/X/WLD/TOTAL",
    "backtest": "/backtest?dataset=CN_TRADE",
}
SIZE = {"width": 1180, "height": 1000}
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
DRAWN = "() => [...document.querySelectorAll('[data-chart]')].every((place) => place.dataset.drawn)"


def take(address: str, folder: Path, chromium: str) -> None:
    """Write a PNG of each page, as a screen shows it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        page = browser.new_page(base_url=address, viewport=SIZE)  # type: ignore[arg-type]
        for name, path in PAGES.items():
            page.goto(path)
            page.wait_for_function(DRAWN)
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
        browser.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask the service, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args(arguments)
    if given.chromium is None:
        raise SystemExit("no chromium here (Debian: apt-get install chromium)")
    take(given.address, given.folder, given.chromium)


if __name__ == "__main__":
    main()
