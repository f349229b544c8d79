"""Events in forecasts: exposures as known on a day, effects that folds support, and nothing from the future."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.combination.event_adjustment import adjust_for_events, move_parts, regress
from forecasting.data.events import REGRESSORS, Event, EventPanel, exposures
from forecasting.data.hierarchy import find_hierarchies
from tests.support.events import event, months
from tests.support.panels import grid_panel

HORIZON = 6
COST, ANNOUNCED, CLOSURE = range(3)


def exposed(events: list[Event], day: str, first: str = "2025-01", last: str = "2025-06") -> Any:
    return exposures(events, months(first, last), np.datetime64(day, "D"))


def test_a_duty_in_force_costs_the_logarithm_of_one_plus_its_rate() -> None:
    found = exposed([event("2025-02-10", "2025-03-01")], "2025-12-31")
    assert_allclose(found[COST], [0, 0, *[np.log(1.25)] * 4])


def test_a_month_counts_its_days() -> None:
    found = exposed([event("2025-04-02", "2025-04-16")], "2025-12-31")
    assert_allclose(found[COST, 3], np.log(1.25) / 2)


def test_an_announced_change_counts_until_it_takes_effect() -> None:
    found = exposed([event("2025-02-15", "2025-04-01")], "2025-12-31")
    assert_allclose(found[ANNOUNCED], [0, np.log(1.25) / 2, np.log(1.25), 0, 0, 0])


def test_events_of_a_measure_follow_one_another_and_measures_add_up() -> None:
    duties = [
        event("2025-01-15", "2025-02-01", (0, 10)),
        event("2025-02-15", "2025-03-01", (10, 20)),
        event("2025-02-15", "2025-03-01", (0, 30), measure="OTHER", share=0.5),
    ]
    assert_allclose(np.expm1(exposed(duties, "2025-12-31")[COST]), [0, 0.1, *[0.35] * 4])


def test_a_day_knows_only_what_was_announced_by_it() -> None:
    duties = [event("2025-01-15", "2025-02-01", (0, 10)), event("2025-03-10", "2025-04-01", (10, 50))]
    before, after = exposed(duties, "2025-03-09"), exposed(duties, "2025-03-10")
    assert_allclose(np.expm1(before[COST]), [0, *[0.1] * 5])
    assert_allclose(np.expm1(after[COST, 3:]), 0.5)


def test_an_end_is_known_from_its_own_day() -> None:
    closure = event(
        "2020-01-23",
        "2020-01-23",
        (np.nan, np.nan),
        closes=True,
        until=np.datetime64("2020-03-31"),
        until_known_on=np.datetime64("2020-03-20"),
    )
    assert_allclose(exposed([closure], "2020-03-19", "2020-02", "2020-05")[CLOSURE], [1, 1, 1, 1])
    assert_allclose(exposed([closure], "2020-03-20", "2020-02", "2020-05")[CLOSURE], [1, 1, 0, 0])


def simulated(elasticity: float, *, quarters: int, seed: int = 3) -> tuple[Any, Any, Any]:
    """Errors (1, folds, 6) of folds that see changes of cost in some quarters, and the changes."""
    draw = np.random.default_rng(seed)
    folds = 60
    changes = np.zeros((1, folds, len(REGRESSORS), HORIZON))
    hit = 3 * draw.choice(folds // 3, quarters, replace=False)
    changes[0, hit, COST] = draw.uniform(0.05, 0.4, quarters)[:, None]
    errors = elasticity * changes[:, :, COST] + draw.normal(0, 0.03, (1, folds, HORIZON))
    return errors, changes, np.arange(folds) // 3


def test_an_effect_that_folds_support_is_found_and_shrunk() -> None:
    found = regress(*simulated(-1.5, quarters=12))
    assert -1.5 < found[COST] < -1.0
    assert_array_equal(found[[ANNOUNCED, CLOSURE]], 0.0)


def test_noise_teaches_nothing() -> None:
    found = [regress(*simulated(0.0, quarters=8, seed=seed))[COST] for seed in range(10)]
    assert np.mean(np.array(found) == 0.0) >= 0.8
    assert np.abs(found).max() < 0.2


def test_two_quarters_are_too_few() -> None:
    assert_array_equal(regress(*simulated(-1.5, quarters=2)), 0.0)


def test_wholes_move_by_the_sum_of_their_parts_and_others_stay() -> None:
    panel = grid_panel(60)
    cutoffs = panel.months[[40, 41, 59]]
    centre = np.repeat(panel.values[:, [40, 41, 59], None], HORIZON, axis=2)
    row = panel.unique_ids.index("T.X.USA.EV")
    duties = [event("2019-12-10", "2020-02-01")]
    events = EventPanel(tuple(duties), {"T.X.USA.EV": (duties[0].id,)}, np.datetime64("2020-01-10"), panel.cutoff)
    unit = np.full((len(panel.unique_ids), 3), 1e-6)
    known = [np.full((len(panel.unique_ids), fold, HORIZON), np.nan) for fold in range(3)]
    hierarchies = find_hierarchies(panel, [panel.values[:, : place + 1] for place in (40, 41, 59)])
    same, adjustment = adjust_for_events(centre, unit, known, cutoffs, panel.unique_ids, hierarchies, events)
    assert_array_equal(same, centre)
    forced = replace(adjustment, coefficients=np.array([[0, 0, 0], [0, 0, 0], [-1.0, 0, 0]]))
    moved = move_parts(centre, unit, forced.effects, hierarchies)
    change = moved[:, 2] - centre[:, 2]
    assert_allclose(change[row, 2:], centre[row, 2, 2:] * (1 / 1.25 - 1), rtol=1e-6)
    for whole in ("T.X.USA.TOTAL", "T.X.WLD.EV", "T.X.WLD.TOTAL"):
        assert_allclose(change[panel.unique_ids.index(whole)], change[row])
    untouched = [uid for uid in panel.unique_ids if "DEU" in uid or "SOLAR" in uid]
    assert_array_equal(change[[panel.unique_ids.index(uid) for uid in untouched]], 0.0)
