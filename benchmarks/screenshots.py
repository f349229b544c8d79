"""The pictures of pages in README.md and docs/screenshots.md, taken by chromium from a running service.

tradewind up                       (or make up)
python -m benchmarks.screenshots docs/screenshots
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import sync_playwright

WIDE, PHONE = {"width": 1180, "height": 1000}, {"width": 390, "height": 844}


class Shot(NamedTuple):
    """A page, the part of it that is shown first, the size of the window in pixels, and whether it is dark."""

    path: str
    part: str | None = None
    size: dict[str, int] = WIDE
    dark: bool = False


SHOTS = {
    "overview": Shot("/"),
    "series": Shot("/series/CN_TRADE/X/WLD/TOTAL"),
    "as-forecast-then": Shot("/series/CN_TRADE/X/WLD/TOTAL", "#then"),
    "every-forecaster": Shot("/series/CN_CLEANTECH/X/USA/EV?forecasters=show"),
    "partners": Shot("/partners"),
    "ask": Shot("/ask?dataset=CN_TRADE&flow=B&above=1200"),
    "heatmap": Shot("/heatmap"),
    "backtest": Shot("/backtest?dataset=CN_TRADE"),
    "alerts": Shot("/alerts"),
    "overview-phone": Shot("/", size=PHONE),
    "series-phone-dark": Shot("/series/CN_TRADE/B/WLD/TOTAL", size=PHONE, dark=True),
}
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
DRAWN = "() => [...document.querySelectorAll('[data-chart]')].every((place) => place.dataset.drawn)"


def take(address: str, folder: Path, chromium: str) -> None:
    """Write a PNG of each page, as a screen shows it."""
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        for name, shot in SHOTS.items():
            scheme = "dark" if shot.dark else "light"
            page = browser.new_page(base_url=address, viewport=shot.size, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(shot.path)
            page.wait_for_function(DRAWN)
            if shot.part:
                page.locator(shot.part).evaluate("(part) => part.scrollIntoView()")
            page.screenshot(path=folder / f"{name}.png")
            page.close()
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
