from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.fetch import Fetched, fetch
from jobs.ingestion.ingest import ingest_bundled
from jobs.scheduling.ticker import Ticker
from sources.client import Validator
from sources.errors import NoFeed
from sources.feed_config import read_feeds
from sources.provider import Access
from store.queries import catalog, fetch_attempts, observations, runs
from tests.support.factories import publish_run
from tests.support.http_providers.comtrade import ComtradeApi
from tests.support.http_providers.gacc import GaccSite, as_combined, country_page
from tests.support.http_providers.local import LocalProvider, Reply, as_json, html, local_provider, quick_client
from tests.support.scheduler_world import QUICK, here

FEEDS = """
[CN_PARTNERS]
source = "comtrade"
start = "2025-01"
revisit = 12

[CN_PARTNERS.dataset]
title = "China's exports by partner"
reporter = "CHN"
currency = "USD"
unit = "USD m"
publisher = "UN Comtrade"
licence = "UN Comtrade terms of use"
citation = "UN Comtrade"
release_day = 20

[CN_PARTNERS.query]
reporter = 156
flows = ["X"]
"""
MONTHS = ("202501", "202502", "202503", "202504")


@pytest.fixture
def api() -> ComtradeApi:
    return ComtradeApi({(month, "X", partner, "TOTAL"): 5e6 for month in MONTHS for partner in ("0", "842")}, tag='"a"')


class World:
    """A dataset, its provider, and a day."""

    def __init__(self, engine: Engine, provider: LocalProvider, api: ComtradeApi, directory: Path) -> None:
        self.engine, self.provider, self.api, self.directory = engine, provider, api, directory
        provider.answer = api
        self.today = date(2025, 5, 21)
        self.text = FEEDS

    def fetch(self) -> Fetched:
        path = self.directory / "feeds.toml"
        path.write_text(self.text, encoding="utf-8")
        return fetch(
            "CN_PARTNERS",
            engine=self.engine,
            feeds=read_feeds(path),
            access={"comtrade": Access(self.provider.address)},
            clock=self.clock,
            make_client=client,
        )

    def clock(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)

    def known(self, as_of: date | None = None) -> dict[str, list[float]]:
        with Session(self.engine) as session:
            frame = observations.panel_frame(session, "CN_PARTNERS", as_of)
        return {str(name)[12:]: rows["y"].tolist() for name, rows in frame.groupby("unique_id")}

    def source(self) -> fetch_attempts.SourceRecord:
        with Session(self.engine) as session:
            (row,) = fetch_attempts.sources(session).rows
        return row


def client(policy: Any, known: Mapping[str, Validator]) -> Any:
    return quick_client(policy, known)


@pytest.fixture
def world(own_engine: Engine, api: ComtradeApi, tmp_path: Path) -> Any:
    with local_provider() as provider:
        yield World(own_engine, provider, api, tmp_path)


def test_a_provider_s_figures_become_observations_in_the_dataset_s_unit(world: World) -> None:
    assert world.fetch() == Fetched("CN_PARTNERS", "new", inserted=8)
    assert world.known() == {"X.USA.TOTAL": [5.0] * 4, "X.WLD.TOTAL": [5.0] * 4}
    with Session(world.engine) as session:
        assert catalog.dataset(session, "CN_PARTNERS").title == "China's exports by partner"
    assert world.source()[1:4] == ("comtrade", datetime(2025, 5, 21, 12, tzinfo=UTC), "new")


def test_the_scheduler_begins_a_dataset_that_has_a_feed_and_forecasts_it(world: World) -> None:
    parameters = 0

    def poll(_dataset: str) -> Fetched:
        nonlocal parameters
        parameters += 1
        return world.fetch()

    ticker = Ticker(
        engine=world.engine, config=QUICK, make_executor=here, clock=world.clock, polls={"CN_PARTNERS": poll}
    )
    world.provider.answer = lambda _asked: Reply(status=500)
    ticker.tick()
    ticker.tick()
    assert parameters == 1
    assert world.source().outcome == "failed"
    world.provider.answer = world.api
    world.today = date(2025, 5, 22)
    ticker.tick()
    ticker.tick()
    assert parameters == 2
    with Session(world.engine) as session:
        run = runs.latest_published(session, "CN_PARTNERS")
    assert run is not None
    assert run.cutoff == date(2025, 4, 1)


def test_history_stands_in_for_first_prints_from_the_day_it_was_due(world: World) -> None:
    world.fetch()
    assert world.known(date(2025, 4, 19))["X.USA.TOTAL"] == [5.0] * 2
    assert world.known(date(2025, 4, 20))["X.USA.TOTAL"] == [5.0] * 3


def test_what_has_not_changed_is_neither_sent_nor_stored_again(world: World) -> None:
    world.fetch()
    before = len(world.provider.requests)
    assert world.fetch() == Fetched("CN_PARTNERS", "unchanged")
    again = world.provider.requests[before:]
    assert again
    assert all(parameters.headers["if-none-match"] == '"a"' for parameters in again)
    world.api.tag = None
    assert world.fetch() == Fetched("CN_PARTNERS", "unchanged")


def test_another_question_is_asked_in_full(world: World) -> None:
    world.fetch()
    world.text = FEEDS.replace('flows = ["X"]', 'flows = ["X"]\npartners = ["USA"]')
    before = len(world.provider.requests)
    assert world.fetch().outcome == "unchanged"
    assert all("if-none-match" not in parameters.headers for parameters in world.provider.requests[before:])


def test_a_revised_figure_is_a_new_vintage(world: World) -> None:
    world.fetch()
    world.today, world.api.tag = date(2025, 6, 21), '"b"'
    world.api.values |= {("202503", "X", "842", "TOTAL"): 4.5e6, ("202505", "X", "842", "TOTAL"): 6e6}
    world.api.values |= {("202505", "X", "0", "TOTAL"): 6e6}
    assert world.fetch() == Fetched("CN_PARTNERS", "new", inserted=3)
    assert world.known()["X.USA.TOTAL"] == [5.0, 5.0, 4.5, 5.0, 6.0]
    assert world.known(date(2025, 6, 20))["X.USA.TOTAL"] == [5.0] * 4


def test_only_recent_months_are_asked_for_again(world: World) -> None:
    world.text = FEEDS.replace("revisit = 12", "revisit = 2")
    world.fetch()
    before = len(world.provider.requests)
    world.today = date(2025, 6, 21)
    world.fetch()
    assert [parameters.params["period"] for parameters in world.provider.requests[before:]] == [
        "202503",
        "202504",
        "202505",
    ]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (html("We are moving"), "ChangedShape: .*expected JSON, found HTML"),
        (Reply(status=500), "Refused: .*answered 500"),
        (Reply(b'{"data": [', cut=100), "Truncated"),
        (Reply(status=429, headers={"Retry-After": "86400"}), "Refused: .*answered 429"),
    ],
)
def test_a_failing_source_stores_nothing_and_says_why(world: World, reply: Reply, reason: str) -> None:
    world.fetch()
    before, well = world.known(), world.provider.answer
    world.provider.answer = lambda _: reply
    world.today = date(2025, 5, 22)
    failed = world.fetch()
    assert (failed.outcome, failed.inserted) == ("failed", 0)
    assert pd.Series([failed.reason]).str.match(reason).all(), failed.reason
    assert world.known() == before
    source = world.source()
    assert (source.outcome, source.last_failure) == ("failed", failed.reason)
    assert source.last_success_at == datetime(2025, 5, 21, 12, tzinfo=UTC)
    world.provider.answer = well
    assert world.fetch().outcome == "unchanged"


def test_a_failure_before_there_is_a_dataset_is_recorded_too(world: World) -> None:
    world.provider.answer = lambda _: Reply(status=503)
    assert world.fetch().outcome == "failed"
    with Session(world.engine) as session:
        assert catalog.datasets(session) == []
    assert world.source().last_success_at is None


def test_a_month_that_loses_its_figures_is_named(world: World) -> None:
    world.fetch()
    world.api.tag = None
    for partner in ("0", "842"):
        del world.api.values["202502", "X", partner, "TOTAL"]
    assert world.fetch().reason == "NoFigures: comtrade: no figures for 2025-02"


def test_the_last_month_losing_its_figures_is_named(world: World) -> None:
    world.fetch()
    world.api.tag = None
    for partner in ("0", "842"):
        del world.api.values["202504", "X", partner, "TOTAL"]
    assert world.fetch().reason == "NoFigures: comtrade: no figures for 2025-04"


def test_nothing_at_all_is_named(world: World) -> None:
    world.api.values.clear()
    assert world.fetch().reason == "NoFigures: comtrade: no figures for 2025-01 to 2025-04"


def test_figures_in_another_unit_are_named(world: World) -> None:
    world.fetch()
    world.api.tag = None
    world.api.values = {key: value / 1000 for key, value in world.api.values.items()}
    before = world.known()
    assert world.fetch().reason == (
        "WrongUnit: comtrade: the figures should be in USD m and are in another unit: 0.001 times the stored values"
    )
    assert world.known() == before


def test_figures_in_another_currency_are_named(world: World) -> None:
    world.text = FEEDS.replace('currency = "USD"\nunit = "USD m"', 'currency = "CNY"\nunit = "CNY m"')
    assert world.fetch().reason == "WrongUnit: comtrade: the figures should be in CNY m and are in USD"


def test_a_dataset_keeps_the_unit_it_was_made_with(world: World) -> None:
    world.fetch()
    world.text = FEEDS.replace('unit = "USD m"', 'unit = "USD bn"')
    assert "WrongUnit" in str(world.fetch().reason)


def test_an_absent_row_is_a_fault_or_a_zero_as_the_feed_says(world: World) -> None:
    del world.api.values["202502", "X", "842", "TOTAL"]
    failed = world.fetch()
    assert "leaves a gap between 2025-01 and 2025-03" in str(failed.reason)
    world.text = FEEDS.replace("revisit = 12", 'revisit = 12\nabsent = "zero"')
    assert world.fetch().inserted == 8
    assert world.known()["X.USA.TOTAL"] == [5.0, 0.0, 5.0, 5.0]


def test_a_dataset_without_a_feed_is_no_failure_of_a_source(own_engine: Engine) -> None:
    with pytest.raises(NoFeed, match="no feed delivers NOTHING; there are feeds of nothing"):
        fetch("NOTHING", engine=own_engine, feeds={}, access={}, clock=lambda: datetime.now(UTC))


def test_a_failing_source_leaves_what_is_published(world: World) -> None:
    world.fetch()
    with Session(world.engine) as session:
        run = publish_run(session, "CN_PARTNERS", as_of=date(2025, 5, 21))
        session.commit()
    world.provider.answer = lambda _: html("We are moving")
    assert world.fetch().outcome == "failed"
    with Session(world.engine) as session:
        assert runs.latest_published(session, "CN_PARTNERS").id == run.run_id  # type: ignore[union-attr]


CUSTOMS = """
[CN_TRADE]
source = "gacc"
start = "2021-01"
revisit = 7
query = { table = "country", currency = "USD", partners = ["WLD"] }
"""
WORLD_TRADE = "(4) China's Total Export & Import Values by Country/Region (in USD)"


@pytest.fixture
def customs(own_engine: Engine, tmp_path: Path) -> Any:
    """China Customs in September 2026, after the bundled figures; each page says what those do, in USD million."""
    with Session(own_engine) as session:
        ingest_bundled(session, today=date(2026, 8, 21))
        frame = observations.panel_frame(session, "CN_TRADE")
        session.commit()
    names = frame["ds"].dt.strftime("%Y-%m ") + frame["flow"]
    stored = {name: 1000 * value for name, value in zip(names.tolist(), frame["y"].tolist(), strict=True)}
    pages = {
        (WORLD_TRADE, 2026, month): country_page(
            month,
            {"Total": (stored[f"2026-{month:02d} X"], stored[f"2026-{month:02d} M"])},
            currency="USD",
            date=f"2026/{month + 1:02d}/09",
        )
        for month in range(3, 8)
    }
    pages[WORLD_TRADE, 2026, 2] = as_combined(country_page(2, {"Total": (600_000.0, 400_000.0)}, currency="USD"))
    pages[WORLD_TRADE, 2026, 8] = country_page(8, {"Total": (330_000.0, 240_000.0)}, currency="USD", date="2026/09/08")
    with local_provider() as provider:
        provider.answer = site = GaccSite(pages)
        yield own_engine, provider, site, tmp_path


def fetch_customs(customs: Any, today: date) -> Fetched:
    engine, provider, _site, directory = customs
    path = directory / "customs.toml"
    path.write_text(CUSTOMS, encoding="utf-8")
    clock = lambda: datetime(today.year, today.month, today.day, 12, tzinfo=UTC)  # noqa: E731
    access = {"gacc": Access(provider.address)}
    feeds = read_feeds(path)
    return fetch("CN_TRADE", engine=engine, feeds=feeds, access=access, clock=clock, make_client=client)


def trade(engine: Engine, month: str, as_of: date | None = None) -> float:
    with Session(engine) as session:
        frame = observations.panel_frame(session, "CN_TRADE", as_of)
    found = frame[(frame["flow"] == "X") & (frame["ds"] == f"{month}-01")]["y"]
    return float(found.iloc[0]) if len(found) else float("nan")


def test_a_new_release_goes_on_from_what_is_stored(customs: Any) -> None:
    engine = customs[0]
    assert fetch_customs(customs, date(2026, 9, 10)) == Fetched("CN_TRADE", "new", inserted=2)
    assert trade(engine, "2026-08") == 330.0
    # Known from the day the page was published, not from the day it was fetched.
    assert pd.isna(trade(engine, "2026-08", date(2026, 9, 7)))
    assert trade(engine, "2026-08", date(2026, 9, 8)) == 330.0
    assert fetch_customs(customs, date(2026, 9, 10)) == Fetched("CN_TRADE", "unchanged")


def test_a_page_revised_under_its_old_date_is_known_from_the_day_it_was_seen(customs: Any) -> None:
    engine, _provider, site, _directory = customs
    fetch_customs(customs, date(2026, 9, 10))
    revised = country_page(8, {"Total": (331_500.0, 240_000.0)}, currency="USD", date="2026/09/08")
    site.pages[WORLD_TRADE, 2026, 8] = revised
    assert fetch_customs(customs, date(2026, 9, 18)) == Fetched("CN_TRADE", "new", inserted=1)
    assert (trade(engine, "2026-08"), trade(engine, "2026-08", date(2026, 9, 17))) == (331.5, 330.0)


def test_a_combined_figure_does_not_come_over_months_that_are_known_apart(customs: Any) -> None:
    engine = customs[0]
    before = trade(engine, "2026-02")
    assert fetch_customs(customs, date(2026, 9, 10)).outcome == "new"
    assert trade(engine, "2026-02") == before


@pytest.mark.parametrize("body", [{"data": [None]}, {"data": 7, "count": "many"}, [1, 2]])
def test_an_answer_that_nobody_foresaw_is_a_recorded_failure(world: World, body: Any) -> None:
    world.provider.answer = lambda _asked: as_json(body)
    fetched = world.fetch()
    assert fetched.outcome == "failed"
    assert world.source().last_failure == fetched.reason
