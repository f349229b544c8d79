"""A short simulated year: the real scheduler, the real dates, cheap forecasters."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest
import sqlalchemy as sa
from numpy.testing import assert_allclose
from sqlmodel import Session

from forecasting.config import ForecastConfig
from jobs.simulation import Clock, Publisher, simulate
from sources import bundled
from store.queries import forecast_scores, observations, runs
from tests.support.scheduler_world import here

CHEAP = ForecastConfig(
    horizon=3, folds=13, burn_in=2, draws=200, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)
RELEASES = {
    "2024-12": date(2025, 1, 13),
    "2025-01/2025-02": date(2025, 3, 7),
    "2025-03": date(2025, 4, 14),
    "2025-04": date(2025, 5, 9),
}


def live(engine, dataset="CN_TRADE", *, end=date(2025, 5, 31)):
    given = {"config": CHEAP, "engine": engine, "make_executor": here}
    return [entry for day in simulate(dataset=dataset, start=date(2025, 1, 1), end=end, **given) for entry in day]


@pytest.fixture
def figures():
    """First prints of exports as bundled, by month."""
    frame = bundled.delivery("CN_TRADE").frame
    exports = frame[(frame["flow"] == "X") & (frame["vintage"] == "")]
    return exports.set_index("month")["value"].astype(float)


def test_five_months_of_the_scheduler_s_life(own_engine, figures):
    released = live(own_engine)
    exports = [entry for entry in released if entry.unique_id == "CN_TRADE.X.WLD.TOTAL"]
    assert {entry.period: entry.day for entry in exports} == RELEASES
    assert len(released) == 2 * len(RELEASES)
    first_prints = {entry.period: entry.first_print for entry in exports}
    assert_allclose(first_prints["2025-01/2025-02"], figures["2025-01"] + figures["2025-02"])
    assert_allclose(first_prints["2025-03"], figures["2025-03"])
    for entry in released:
        assert entry.inside == (entry.lo <= entry.first_print <= entry.hi)
        assert entry.lo < entry.expected < entry.hi
        assert entry.seconds > 0
    assert (released[-1].forecasts, released[-1].covered) == (8, sum(entry.inside for entry in released))
    with Session(own_engine) as session:
        published = runs.page(session, status="published", limit=50).rows
        ids = observations.series_ids(session, "CN_TRADE")
        apart = forecast_scores.page(
            session, [ids["CN_TRADE.X.WLD.TOTAL"]], start=date(2025, 1, 1), end=date(2025, 2, 1), limit=50
        )
    assert [run.cutoff for run in reversed(published)] == [
        date(2024, 11, 1),
        *(date(2024, 12, 1), date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1)),
    ]
    # January and February are published combined in March, and separately with March.
    sums = [row for row in apart.rows if row.months == 2]
    assert {row.first_vintage for row in sums} == {date(2025, 3, 7)}
    assert {row.latest_vintage for row in sums} == {date(2025, 4, 14)}
    assert {row.first_vintage for row in apart.rows if row.months == 1} == {date(2025, 4, 14)}


def test_no_alarm_in_february(own_engine):
    live(own_engine, end=date(2025, 3, 31))
    with own_engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alert")).scalar_one() == 0


def test_the_publisher_says_no_more_than_was_out(own_engine):
    publisher = Publisher(own_engine, "CN_TRADE", Clock(datetime(2025, 1, 1, tzinfo=UTC)))
    with Session(own_engine) as session:
        live(own_engine, end=date(2025, 1, 1))
        for day, last, months in (
            (date(2025, 3, 6), "2024-12", {"1"}),
            (date(2025, 3, 7), "2025-02", {"1", "2"}),
            (date(2025, 3, 18), "2025-02", {"1"}),
        ):
            frame = publisher.published(session, day)
            assert (frame["month"].max(), set(frame["months"])) == (last, months)
    assert pd.to_numeric(frame["value"]).gt(0).all()
