from datetime import date
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sqlmodel import Session

from forecasting.config import PROBABILITIES
from store.queries import backtest_folds
from tests.support.factories import FORECASTERS, LAST, Published, build_catalog, publish_run

LO, HI = PROBABILITIES.index(0.1), PROBABILITIES.index(0.9)


@pytest.fixture
def run(session: Session) -> Published:
    build_catalog(session)
    return publish_run(session, "CN_CLEANTECH", horizon=14)


def assert_close(found: Any, written: Any) -> None:
    """Read as written, within the distance of two values of a grid that spans all of them."""
    assert_allclose(found, written, rtol=0, atol=np.ptp(written) / 65_534 + 1e-4)


def page(session: Session, run: Published, row: int, **parameters: Any) -> backtest_folds.FoldForecastPage:
    given: dict[str, Any] = {"forecaster": "combination", "limit": 10, **parameters}
    return backtest_folds.page(session, run.run_id, int(run.series_ids[row]), **given)


def test_tracks_give_back_each_fold_newest_first(session: Session, run: Published) -> None:
    found = page(session, run, 2, limit=3, offset=1)
    assert found.total == 4
    assert [track.cutoff for track in found.rows] == [date(2025, month, 1) for month in (10, 9, 8)]
    for track, fold in zip(found.rows, (2, 1, 0), strict=True):
        position = FORECASTERS.index("combination")
        assert (track.step, track.spacing) == (1, 1)
        assert_close(np.array(track.means), run.folds["means"][2, position, fold])
        assert_array_equal(np.array(track.actuals, dtype=float), run.folds["actuals"][2, fold])
        assert_close(np.array(track.quantiles), run.folds["quantiles"][2, position, fold])


def test_months_to_come_have_no_actual(session: Session, run: Published) -> None:
    newest = page(session, run, 0, limit=1).rows[0]
    assert newest.actuals[1:] == [None] * 13
    assert newest.actuals[0] is not None


def test_a_fold_without_a_forecast_is_not_kept(session: Session, run: Published) -> None:
    found = page(session, run, 0, forecaster="theta")
    assert [track.cutoff.month for track in found.rows] == [11, 10, 9]
    assert found.rows[0].quantiles is None


def test_quarters_are_kept_by_the_step_they_end_at(session: Session, run: Published) -> None:
    found = page(session, run, 1, kind="quarter")
    assert [(track.cutoff.month, track.step, track.spacing) for track in found.rows] == [
        *((11, 1, 3), (10, 2, 3), (9, 3, 3), (8, 1, 3)),
    ]
    (oldest,) = (fold for fold in run.periods if fold["kind"] == "quarter" and fold["cutoff"] == LAST - 4)
    assert_close(np.array(found.rows[-1].means), oldest["means"][1])
    assert_close(np.array(found.rows[-1].quantiles), oldest["quantiles"][1])
    cutoffs = backtest_folds.cutoffs(
        session, run.run_id, int(run.series_ids[1]), forecaster="any", kind="quarter", limit=3
    )
    assert cutoffs == [track.cutoff for track in found.rows[:3]]


@pytest.mark.parametrize("kind", ["month", "quarter"])
def test_a_span_has_the_folds_between_its_cutoffs(session: Session, run: Published, kind: str) -> None:
    ids = run.series_ids[:3].tolist()
    whole = backtest_folds.by_cutoff(session, run.run_id, ids, forecaster="combination", kind=kind)
    assert [*whole] == [date(2025, month, 1) for month in (8, 9, 10, 11)]
    assert all([*parts] == ids for parts in whole.values())
    first, last = date(2025, 9, 1), date(2025, 10, 1)
    for span in ({"since": first, "until": last}, {"since": first}, {"until": last}, {"since": date(2026, 6, 1)}):
        found = backtest_folds.by_cutoff(session, run.run_id, ids, forecaster="combination", kind=kind, **span)
        since, until = span.get("since", date.min), span.get("until", date.max)
        assert found == {cutoff: parts for cutoff, parts in whole.items() if since <= cutoff <= until}


def slow_misses(run: Published, kind: str, steps: range) -> list[tuple[float, int]]:
    """Widths outside and the series of every missed period by a plain loop, the worst fold of each."""
    worst: dict[tuple[int, int], float] = {}
    folds = run.periods
    if kind == "month":
        place = FORECASTERS.index("combination")
        folds = [
            {
                **{"kind": kind, "cutoff": cutoff, "step": 1, "spacing": 1, "actuals": run.folds["actuals"][:, fold]},
                "quantiles": run.folds["quantiles"][:, place, fold],
            }
            for fold, cutoff in enumerate(run.folds["cutoffs"])
        ]
    for fold in folds:
        if fold["kind"] != kind:
            continue
        for row, series in enumerate(run.series_ids):
            for column, actual in enumerate(fold["actuals"][row]):
                step = fold["step"] + column * fold["spacing"]
                lo, hi = fold["quantiles"][row, LO, column], fold["quantiles"][row, HI, column]
                outside = max(lo - actual, actual - hi)
                if step in steps and outside > 0:
                    key = (int(series), int((fold["cutoff"] + step).astype(int)))
                    worst[key] = max(worst.get(key, 0.0), outside / (hi - lo))
    return sorted(((widths, series) for (series, _), widths in worst.items()), key=lambda pair: (-pair[0], pair[1]))


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("month", (1, 1)),
        ("month", (2, 2)),
        ("month", (1, 4)),
        ("quarter", (1, 12)),
        ("quarter", (2, 3)),
        ("year", (1, 12)),
    ],
)
def test_the_worst_misses_agree_with_a_plain_loop(
    session: Session, run: Published, kind: str, steps: tuple[int, int]
) -> None:
    parameters: dict[str, Any] = {"forecaster": "combination", "kind": kind, "steps": steps, "bounds": (LO, HI)}
    expected = slow_misses(run, kind, range(steps[0], steps[1] + 1))
    assert len(expected) > 2
    found = backtest_folds.misses(session, run.run_id, run.series_ids.tolist(), **parameters, limit=1000)
    assert found.total == len(expected)
    assert_allclose([miss.widths for miss in found.rows], [widths for widths, _ in expected], rtol=0, atol=1e-3)
    assert [miss.series_id for miss in found.rows] == [series for _, series in expected]
    for miss in found.rows:
        assert_allclose(miss.widths, max(miss.lo - miss.actual, miss.actual - miss.hi) / (miss.hi - miss.lo))
        assert steps[0] <= miss.step <= steps[1]
    second = backtest_folds.misses(session, run.run_id, run.series_ids.tolist(), **parameters, limit=1, offset=1)
    assert (second.rows, second.total) == (found.rows[1:2], found.total)
