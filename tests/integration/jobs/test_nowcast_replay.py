"""A month replayed with local providers: PMI on the 31st, Korea on the 1st, flash on the 9th, detail on the 18th."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from forecasting.config import ForecastConfig
from jobs.ingestion.fetch import Fetched, fetch
from jobs.scheduling.ticker import Ticker
from sources import bundled
from sources.client import Validator
from sources.feed_config import read_feeds
from store.database import make_engine
from store.queries import forecasts, observations, run_changes, run_indicators, runs, total_effects
from store.queries.runs import PublishedRunRecord
from tests.conftest import new_database
from tests.support.http_providers.local import LocalProvider, ReceivedRequest, Reply, local_provider, quick_client
from tests.support.scheduler_world import here

CONFIG = ForecastConfig(horizon=3, folds=24, burn_in=20, draws=200, forecasters=("seasonal_naive", "theta"))
BEFORE, PMI, KOREA = date(2026, 7, 20), date(2026, 7, 31), date(2026, 8, 1)
FLASH, DETAIL = date(2026, 8, 9), date(2026, 8, 18)
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
PARTNERS = ("WLD", "USA", "DEU", "JPN")
FEEDS = """
[CN_TRADE]
source = "table"
start = "2012-01"
query = {{ location = "{address}/totals.csv", columns = {{ month = "month", flow = "flow", value = "value" }}, \
constant = {{ partner = "WLD", sector = "TOTAL" }}, currency = "USD", multiple = 1e9 }}

[CN_PARTNERS]
source = "table"
start = "2024-01"
query = {{ location = "{address}/partners.csv", \
columns = {{ month = "month", flow = "flow", partner = "partner", value = "value" }}, \
constant = {{ sector = "TOTAL" }}, currency = "CNY", multiple = 1e8 }}

[KR_EXPORTS]
source = "table"
start = "2008-01"
informs = ["CN_TRADE"]
query = {{ location = "{address}/korea.csv", columns = {{ month = "month", value = "value" }} }}

[CN_PMI]
source = "table"
start = "2008-01"
informs = ["CN_TRADE"]
query = {{ location = "{address}/pmi.csv", columns = {{ month = "month", value = "value" }} }}
"""


def bundled_table(name: str, value: str) -> pd.DataFrame:
    frame = pd.read_csv(bundled.HERE / "data" / name, dtype=str).rename(columns={value: "value"}).dropna(subset="value")
    keys = [name for name in ("month", "flow", "partner") if name in frame]
    return frame.drop_duplicates(keys, keep="last")


TABLES = {
    "/totals.csv": (FLASH, bundled_table("china_totals.csv", "usd_billion")),
    "/partners.csv": (DETAIL, bundled_table("cn_partners.csv", "value_cny_100mn")),
    "/korea.csv": (KOREA, bundled_table("korea_exports.csv", "usd_billion")),
    "/pmi.csv": (PMI, bundled_table("china_pmi.csv", "pmi")),
}


class Month:
    """Four providers that publish July 2026 on its day, and a scheduler whose clock is moved."""

    def __init__(self, engine: Engine, provider: LocalProvider, directory: Path) -> None:
        self.engine, self.today = engine, BEFORE
        path = directory / "feeds.toml"
        path.write_text(FEEDS.format(address=provider.address), encoding="utf-8")
        self.feeds = read_feeds(path)
        provider.answer = self.answer
        polls = dict.fromkeys(self.feeds, self.fetch)
        self.ticker = Ticker(engine=engine, config=CONFIG, make_executor=here, clock=self.clock, polls=polls)

    def clock(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)

    def answer(self, request: ReceivedRequest) -> Reply:
        day, frame = TABLES[request.path]
        public = frame[frame["month"] <= ("2026-07" if self.today >= day else "2026-06")]
        kept = public[public["partner"].isin(PARTNERS) & (public["flow"] == "X")] if "partner" in public else public
        return Reply(kept.to_csv(index=False).encode())

    def fetch(self, code: str) -> Fetched:
        return fetch(code, engine=self.engine, feeds=self.feeds, access={}, clock=self.clock, make_client=client)

    def live(self, day: date) -> None:
        self.today = day
        self.ticker.tick()

    def runs(self, dataset: str) -> dict[date, PublishedRunRecord]:
        with Session(self.engine) as session:
            found = runs.page(session, dataset_id=dataset, status="published", limit=50).rows
        return {run.as_of: published for run in found if (published := runs.as_published(run)) is not None}

    def paths(self, dataset: str, day: date, *partners: str) -> np.ndarray:
        """Draws of exports in the first month ahead of the run of a day, shape (partners, draws)."""
        run = self.runs(dataset)[day]
        with Session(self.engine) as session:
            ids = observations.series_ids(session, dataset)
            numbers = [ids[f"{dataset}.X.{partner}.TOTAL"] for partner in partners]
            return forecasts.paths(session, run.id, numbers)[:, :, 0].astype(np.float64)


def client(policy: Any, known: Mapping[str, Validator]) -> Any:
    return quick_client(policy, known)


@pytest.fixture(scope="module")
def month(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    engine = make_engine(new_database(server_url, "replay", template=template))
    with local_provider() as provider:
        month = Month(engine, provider, tmp_path_factory.mktemp("replay"))
        for day in (BEFORE, PMI, KOREA, FLASH, DETAIL):
            month.live(day)
        yield month
    engine.dispose()


def test_each_arrival_makes_a_run_of_what_it_informs_and_of_nothing_else(month: Month) -> None:
    assert {day: run.cutoff for day, run in month.runs("CN_TRADE").items()} == {
        BEFORE: JUNE,
        PMI: JUNE,
        KOREA: JUNE,
        FLASH: JULY,
    }
    assert {day: run.cutoff for day, run in month.runs("CN_PARTNERS").items()} == {
        BEFORE: JUNE,
        FLASH: JUNE,
        DETAIL: JULY,
    }


def test_each_run_knows_the_indicators_of_its_day(month: Month) -> None:
    leads = {}
    with Session(month.engine) as session:
        for day, run in month.runs("CN_TRADE").items():
            leads[day] = {used.indicator_id: used.leads for used in run_indicators.used(session, run.id)}
    assert leads[BEFORE] == {"CN_PMI": 0, "KR_EXPORTS": 0}
    assert leads[PMI] == {"CN_PMI": 1, "KR_EXPORTS": 0}
    assert leads[KOREA] == {"CN_PMI": 1, "KR_EXPORTS": 1}
    assert leads[FLASH] == {"CN_PMI": 0, "KR_EXPORTS": 0}


def test_indicators_move_the_total_by_what_the_runs_say(month: Month) -> None:
    made = month.runs("CN_TRADE")
    with Session(month.engine) as session:
        exports = observations.series_ids(session, "CN_TRADE")["CN_TRADE.X.WLD.TOTAL"]
        moves = []
        for before, after in ((BEFORE, PMI), (PMI, KOREA)):
            change = run_changes.page(session, made[after].id, made[before].id, [exports], limit=3).rows[0]
            assert change.month == JULY
            assert (change.new_figures, change.revised_figures) == (0.0, 0.0)
            moves.append(change.indicators)
            assert change.after - change.before == pytest.approx(change.indicators + change.reestimation)
        flash = run_changes.page(session, made[FLASH].id, made[KOREA].id, [exports], limit=3).rows[0]
    # An indicator without evidence on the few folds of this test has no weight, and moves nothing.
    assert any(moves)
    assert flash.new_figures != 0.0


def test_the_flash_total_moves_the_detail_and_narrows_it(month: Month) -> None:
    names = [*PARTNERS, "RST"]
    before, given = (month.paths("CN_PARTNERS", day, *names) for day in (BEFORE, FLASH))
    with Session(month.engine) as session:
        dollars = observations.panel_frame(session, "CN_TRADE", FLASH).set_index(["unique_id", "ds"])["y"]
        yuan = observations.panel_frame(session, "CN_PARTNERS", FLASH).set_index(["unique_id", "ds"])["y"]
    total, world = dollars["CN_TRADE.X.WLD.TOTAL"], yuan["CN_PARTNERS.X.WLD.TOTAL"]
    expected = total[pd.Timestamp(JULY)] * world[pd.Timestamp(JUNE)] / total[pd.Timestamp(JUNE)]
    assert given[0].mean() == pytest.approx(expected, rel=0.002)
    np.testing.assert_allclose(given[1:].sum(axis=0), given[0], rtol=1e-5)
    assert given[0].std() < 0.4 * before[0].std()
    assert abs(given[-1].mean() - before[-1].mean()) > 0
    assert given[-1].std() < before[-1].std()


def changes(month: Month, after: date, before: date) -> dict[str, run_changes.ChangeRecord]:
    """The changes of partners' exports in July between two runs, by partner."""
    made = month.runs("CN_PARTNERS")
    with Session(month.engine) as session:
        ids = observations.series_ids(session, "CN_PARTNERS")
        rows = run_changes.page(session, made[after].id, made[before].id, list(ids.values()), limit=100).rows
    partners = {number: unique_id.split(".")[2] for unique_id, number in ids.items()}
    return {partners[row.series_id]: row for row in rows if row.month == JULY}


def test_the_change_at_the_flash_is_due_to_the_total(month: Month) -> None:
    found = changes(month, FLASH, BEFORE)
    for row in found.values():
        assert (row.new_figures, row.revised_figures, row.indicators) == (0.0, 0.0, 0.0)
        assert row.published_total + row.reestimation == pytest.approx(row.after - row.before)
    world = found.pop("WLD")
    assert abs(world.reestimation) < 0.05 * abs(world.published_total)
    assert sum(row.published_total for row in found.values()) == pytest.approx(world.published_total)
    assert all(row.published_total for row in found.values())


def test_the_total_has_no_part_without_a_month_that_it_leads(month: Month) -> None:
    with Session(month.engine) as session:
        made = month.runs("CN_PARTNERS")
        assert total_effects.effects(session, made[BEFORE].id) == []
        assert {effect.month for effect in total_effects.effects(session, made[FLASH].id)} == {JULY}
        assert total_effects.effects(session, made[DETAIL].id) == []


def test_the_detail_ends_the_month(month: Month) -> None:
    detail = month.runs("CN_PARTNERS")[DETAIL]
    with Session(month.engine) as session:
        known = observations.panel_frame(session, "CN_PARTNERS", DETAIL)
        change = run_changes.page(
            session,
            detail.id,
            month.runs("CN_PARTNERS")[FLASH].id,
            list(observations.series_ids(session, "CN_PARTNERS").values()),
            limit=100,
        )
    assert known["ds"].max() == pd.Timestamp(JULY)
    assert any(row.new_figures != 0.0 for row in change.rows)
