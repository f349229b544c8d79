"""The feeds and commands of the documentation read mirror data as published, unchanged."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.fetch import Fetched, fetch
from sources.feed_config import read_feeds
from store.database import make_engine
from store.queries import observations
from tests.conftest import new_database
from tests.integration.cli.test_cli import tradewind
from tests.support.documents import blocks

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
FEEDS, COMMANDS = "docs/operations/mirror-data.md", "docs/operations/own-data.md"
CLOCK = datetime(2026, 1, 15, 12, tzinfo=UTC)
FOLDERS = {"US_FROM_CN": "us_from_cn", "US_IMPORTS": "us_imports", "EA_IMPORTS": "eu_imports"}
WIDE = {
    "JP_CN": ("japan-china-trade-data.csv", 586529635.0),
    "KR_CN": ("korea-china-trade-data.csv", 999763.0),
    "US_CN": ("usa-china-trade-data.csv", 8427.5),
}


@pytest.fixture(scope="module")
def url(server_url: str, template: str) -> str:
    return new_database(server_url, "mirror_data", template=template)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


def panel(engine: Engine, dataset: str) -> pd.DataFrame:
    with Session(engine) as session:
        return observations.panel_frame(session, dataset)


def fetched(dataset: str, engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Fetched:
    """The feed of the documentation, run in a folder with the published files."""
    source = SHARED / FOLDERS[dataset]
    if not source.is_dir():
        pytest.skip(f"{source.name} is not beside the repository")
    feeds = folder / "feeds.toml"
    feeds.write_text("\n".join(block.text for block in blocks(FEEDS) if block.language == "toml"), encoding="utf-8")
    for file in source.iterdir():
        (folder / file.name).symlink_to(file)
    monkeypatch.chdir(folder)
    return fetch(dataset, engine=engine, feeds=read_feeds(feeds), access={}, clock=lambda: CLOCK)


def test_us_imports_from_china_since_1985(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched("US_FROM_CN", engine, tmp_path, monkeypatch) == Fetched("US_FROM_CN", "new", inserted=492)
    values = panel(engine, "US_FROM_CN").set_index("ds")["y"]
    assert values["1985-01-01"] == pytest.approx(0.2931)


def test_us_imports_by_partner_with_the_rest_of_the_world(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetched("US_IMPORTS", engine, tmp_path, monkeypatch).outcome == "new"
    table = panel(engine, "US_IMPORTS").pivot(index="ds", columns="partner", values="y")
    assert len(table.columns) == 32
    assert table.drop(columns="WLD").sum(axis=1).to_numpy() == pytest.approx(table["WLD"].to_numpy())
    assert (table["RST"] > 0).all()


def test_euro_area_imports_from_an_sdmx_response(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetched("EA_IMPORTS", engine, tmp_path, monkeypatch) == Fetched("EA_IMPORTS", "new", inserted=213)
    table = panel(engine, "EA_IMPORTS").pivot(index="ds", columns="partner", values="y")
    assert table.loc["2020-01-01", "CHN"] == pytest.approx((1728.2 + 3397.1 + 14986.6 + 7504.7) / 1000)


@pytest.mark.parametrize("dataset", sorted(WIDE))
def test_exports_and_imports_in_columns(dataset: str, url: str, engine: Engine) -> None:
    name, first_imports = WIDE[dataset]
    if not (SHARED / "mirror_2001_2019" / name).exists():
        pytest.skip("mirror_2001_2019 is not beside the repository")
    text = " ".join(block.text for block in blocks(COMMANDS)).replace("\\\n", " ")
    command = next(line for line in text.splitlines() if name in line and "ingest file" in line)
    ingested = tradewind(*shlex.split(command)[1:], cwd=SHARED / "mirror_2001_2019", TRADEWIND_DATABASE_URL=url)
    assert ingested.returncode == 0, ingested.stderr
    frame = panel(engine, dataset)
    assert frame.groupby("flow").size().to_dict() == {"M": 228, "X": 228}
    imports = frame[frame["flow"] == "M"].set_index("ds")["y"]
    assert imports["2001-01-01"] == pytest.approx(first_imports)
