"""What changed between two runs: the parts, each alone and together, in real runs over a small dataset."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sqlmodel import Session

from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from jobs.runs import change_attribution as job
from jobs.runs import forecast_run
from jobs.runs.change_attribution import attribute_changes
from store.errors import ChangesNotKept, NoEarlierRun, NotComparable, UnknownRun
from store.queries import observations, run_changes, runs
from tests.integration.jobs.test_scoring import come, publish
from tests.support.scheduler_world import QUICK, TickingClock, here

FIRST, SECOND = date(2025, 1, 20), date(2025, 3, 20)
PARTS = ("new_figures", "revised_figures", "indicators", "published_total", "reestimation")


def changes_of(engine, run_id, *, against=None):
    """Changes as arrays by part, shape (series, months), and the names of the series."""
    with Session(engine) as session:
        ids = observations.series_ids(session, "SMALL")
        earlier = run_changes.latest_against(session, run_id, against)
        rows = run_changes.page(session, run_id, earlier, list(ids.values()), limit=10_000).rows
    names = [uid for uid, number in ids.items() if any(row.series_id == number for row in rows)]
    shape = (len(names), -1)
    found = {name: np.array([getattr(row, name) for row in rows]).reshape(shape) for name in PARTS}
    found["change"] = np.array([row.after - row.before for row in rows]).reshape(shape)
    return found, names


def test_the_parts_add_up_to_the_change(small):
    publish(small, FIRST)
    come(small, "2024-12", vintage="2025-02-09", factor=1.4)
    come(small, "2025-01", vintage="2025-02-09", factor=1.4)
    found, names = changes_of(small, publish(small, SECOND))
    assert len(names) == 12
    assert found["change"].shape == (12, 5)
    assert_allclose(sum(found[name] for name in PARTS), found["change"], atol=1e-9)
    for name in ("indicators", "published_total"):
        assert_allclose(found[name], 0.0)
    for name in ("new_figures", "revised_figures", "reestimation"):
        assert np.abs(found[name]).max() > 0.01, name


def test_without_a_revision_nothing_is_ascribed_to_one_and_nothing_is_fitted(small, monkeypatch):
    publish(small, FIRST)
    come(small, "2025-01", vintage="2025-02-09", factor=1.4)
    monkeypatch.setattr(job, "forecast_at_cutoffs", lambda *_given, **_named: pytest.fail("something was fitted"))
    found, _ = changes_of(small, publish(small, SECOND))
    assert np.all(found["revised_figures"] == 0)
    assert np.abs(found["new_figures"]).max() > 0


def test_a_revision_alone_brings_no_new_figures(small):
    publish(small, FIRST)
    come(small, "2024-12", vintage="2025-02-09", factor=1.4)
    found, _ = changes_of(small, publish(small, SECOND))
    assert np.abs(found["revised_figures"]).max() > 0.01
    assert_allclose(found["new_figures"], 0, atol=1e-9)


def test_another_configuration_on_the_same_figures_is_re_estimation_alone(small):
    publish(small, FIRST)
    outcome = forecast_run.run_forecast(
        dataset="SMALL",
        as_of=FIRST,
        config=replace(QUICK, seed=5),
        engine=small,
        make_executor=here,
        clock=TickingClock(FIRST),
    )
    found, _ = changes_of(small, outcome.run_id)
    assert np.all(found["new_figures"] == 0)
    assert np.all(found["revised_figures"] == 0)
    assert np.abs(found["reestimation"]).max() > 0


def test_the_parts_of_a_whole_s_change_are_the_sums_of_its_parts(small):
    publish(small, FIRST)
    come(small, "2025-01", vintage="2025-02-09", factor=1.4)
    found, names = changes_of(small, publish(small, SECOND))
    world = names.index("SMALL.X.WLD.EV")
    partners = [names.index(f"SMALL.X.{partner}.EV") for partner in ("DEU", "USA", "VNM")]
    assert_allclose(found["new_figures"][world], found["new_figures"][partners].sum(axis=0), atol=1e-6)


def test_a_run_of_other_code_is_forecast_again_before_it_is_compared(small, monkeypatch):
    first = publish(small, FIRST)
    with small.begin() as connection:
        connection.exec_driver_sql(f"UPDATE run SET code_version = 'before' WHERE id = {first}")
    come(small, "2025-01", vintage="2025-02-09", factor=1.4)
    fitted = []

    def counted(*given, **named):
        fitted.append(1)
        return forecast_at_cutoffs(*given, **named)

    monkeypatch.setattr(job, "forecast_at_cutoffs", counted)
    found, _ = changes_of(small, publish(small, SECOND))
    assert len(fitted) == 1
    assert_allclose(sum(found[name] for name in PARTS), found["change"], atol=1e-9)


def test_figures_that_arrived_in_late_for_an_earlier_day_are_revisions_of_what_the_run_saw(small):
    first = publish(small, FIRST)
    # Known since the 19th, and stored after the run of the 20th: a value, and a month unknown to it.
    come(small, "2024-12", vintage="2025-01-19", factor=1.4)
    come(small, "2025-01", vintage="2025-01-20", factor=1.4)
    found, _ = changes_of(small, publish(small, SECOND), against=first)
    assert_allclose(sum(found[name] for name in PARTS), found["change"], atol=1e-9)
    assert np.abs(found["revised_figures"]).max() > 0.01
    assert np.abs(found["new_figures"]).max() > 0.01


def test_any_two_runs_can_be_compared_on_demand(small):
    first = publish(small, FIRST)
    come(small, "2025-01", vintage="2025-02-09")
    second = publish(small, date(2025, 2, 20))
    come(small, "2025-02", vintage="2025-03-09")
    third = publish(small, SECOND)
    with Session(small) as session:
        assert run_changes.latest_against(session, third) == second
        with pytest.raises(ChangesNotKept):
            run_changes.latest_against(session, third, first)
        assert attribute_changes(session, third, against=first, make_executor=here) == first
        session.commit()
        # A comparison made again takes the place of the first.
        attribute_changes(session, third, against=first, make_executor=here)
        session.commit()
    found, _ = changes_of(small, third, against=first)
    assert found["change"].shape == (12, 4)
    assert_allclose(sum(found[name] for name in PARTS), found["change"], atol=1e-9)


def test_runs_that_cannot_be_compared_are_refused_by_name(small):
    first = publish(small, FIRST)
    come(small, "2025-01", vintage="2025-02-09")
    second = publish(small, SECOND)
    with Session(small) as session:
        for run, against, error in (
            (first, None, NoEarlierRun),
            (first, second, NotComparable),
            (second, second, NotComparable),
            (second, 99, UnknownRun),
        ):
            with pytest.raises(error):
                attribute_changes(session, run, against=against, make_executor=here)


def test_a_run_stays_published_where_its_changes_cannot_be_reported(small, monkeypatch):
    def refused(_session, run_id, **_given):
        raise NotComparable(run_id, 1, "for a test")

    monkeypatch.setattr(job, "attribute_changes", refused)
    run_id = publish(small, FIRST)
    with Session(small) as session:
        assert runs.find(session, run_id).status == "published"
