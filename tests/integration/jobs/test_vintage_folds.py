"""Backtest on real vintages: each fold uses the data known when its last month was published, where recorded."""

from datetime import date

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose
from sqlmodel import Session

from api.app import create_app
from api.rest.schemas.backtests import BacktestPage, FoldPage
from forecasting.data.january_february import split_combined
from forecasting.data.panel import Panel
from forecasting.pipeline import fold_positions
from jobs.runs.forecast_run import run_forecast
from jobs.runs.vintage_folds import months_of, vintage_values_of_folds
from store.queries import catalog, observations, runs
from tests.integration.api.conftest import options
from tests.support.answers import validate
from tests.support.scheduler_world import QUICK, TickingClock, here
from tests.support.store_helpers import add_dataset, append

AS_OF = date(2026, 8, 21)
FIRST, LAST = np.datetime64("2021-01"), np.datetime64("2026-07")
KEPT_SINCE = np.datetime64("2025-01")


def value(month, partner):
    return round(100 + (month - FIRST).astype(int) + 10 * np.sin(month.astype(int)) + 7 * (partner == "USA"), 3)


def due(month, months=1):
    return (month + months).astype("datetime64[D]") + 8


def rows():
    """Months before KEPT_SINCE in one go, then each when it was due, a tenth too low, and right three months later."""
    for month in np.arange(FIRST, LAST + 1):
        for partner in ("USA", "DEU"):
            right = value(month, partner)
            if month < KEPT_SINCE:
                yield f"{month},X,{partner},EV,{right},2025-01-09"
                continue
            yield f"{month},X,{partner},EV,{round(0.9 * right, 3)},{due(month)}"
            if due(month, 4) <= np.datetime64(AS_OF):
                yield f"{month},X,{partner},EV,{right},{due(month, 4)}"


@pytest.fixture
def kept(own_engine):
    with Session(own_engine) as session:
        add_dataset(session, reporter="USA")
        append(session, *rows())
        session.commit()
    return own_engine


def panel_of(session, as_of=AS_OF):
    return Panel.from_long(split_combined(observations.panel_frame(session, "TEST", as_of), "USA"))


def then_of(session):
    panel = panel_of(session)
    return panel, vintage_values_of_folds(session, catalog.dataset(session, "TEST"), panel, as_of=AS_OF, config=QUICK)


def test_each_fold_sees_what_was_known_when_its_last_month_arrived(kept):
    with Session(kept) as session:
        panel, vintage_values = then_of(session)
        folds = [row for row in fold_positions(panel, QUICK) if panel.months[row] >= KEPT_SINCE]
        assert sorted(vintage_values) == folds
        for position, values in vintage_values.items():
            known = panel_of(session, due(panel.months[position]).astype(date))
            assert_allclose(values, known.values)
            # The last three months had only their first prints.
            assert_allclose(
                values[:, -1] / panel.values[:, position], 0.9 if position < len(panel.months) - 3 else 1.0, rtol=1e-4
            )


def test_folds_before_vintages_were_kept_are_on_revised_data(kept):
    with Session(kept) as session:
        panel, vintage_values = then_of(session)
        known = observations.first_known(session, "TEST", AS_OF)
        assert min(known) == date(2024, 12, 1)
        assert all(np.datetime64(month, "M") >= np.datetime64("2024-12") for month in months_of(panel, vintage_values))


def test_one_vintage_for_everything_is_revised_data(small):
    with Session(small) as session:
        assert list(observations.first_known(session, "SMALL", AS_OF)) == [date(2024, 12, 1)]


def test_backfilled_values_are_revised_data(bundled):
    assert observations.first_known(bundled, "CN_TRADE", AS_OF) == {}


def test_a_sum_of_two_months_is_known_at_its_fold_and_january_is_none(session):
    add_dataset(session)
    append(session, "2024-12,X,USA,EV,1,2025-01-09", "2025-02,X,USA,EV,3,2025-03-07,2")
    append(session, "2025-03,X,USA,EV,2,2025-04-14")
    append(session, "2025-01,X,USA,EV,2,2025-04-20", "2025-02,X,USA,EV,1,2025-04-20")
    assert observations.first_known(session, "TEST", AS_OF) == {
        date(2024, 12, 1): date(2025, 1, 9),
        date(2025, 2, 1): date(2025, 3, 7),
        date(2025, 3, 1): date(2025, 4, 14),
    }


def test_a_run_says_which_folds_are_on_vintages_and_forecasts_from_them(kept):
    run = run_forecast(
        dataset="TEST", as_of=AS_OF, config=QUICK, engine=kept, make_executor=here, clock=TickingClock(AS_OF)
    )
    assert run.status == "published"
    assert run.run_id is not None
    with Session(kept) as session:
        panel, vintage_values = then_of(session)
        assert runs.find(session, run.run_id).vintage_cutoffs == months_of(panel, vintage_values)
    client = TestClient(create_app(engine=kept, options=options()))
    scores = client.get("/v1/datasets/TEST/backtests").json()
    validate(BacktestPage, scores)
    assert (scores["vintage_folds"], scores["folds"]["number"], scores["revised_data"]) == (3, 3, False)
    page = client.get("/v1/datasets/TEST/backtests/folds?partner=USA&forecaster=naive").json()
    validate(FoldPage, page)
    for fold in page["folds"]:
        assert fold["revised_data"] is False
        # What naive repeats is the first print of the cutoff.
        assert fold["months"][0]["mean"] == pytest.approx(0.9 * value(np.datetime64(fold["cutoff"]), "USA"), rel=1e-4)
