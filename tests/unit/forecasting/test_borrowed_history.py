import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.config import ForecastConfig
from forecasting.data.borrowed_history import BORROWED_MONTHS, Donor, borrow_history, borrowed_at_cutoffs
from forecasting.data.panel import Panel
from forecasting.pipeline import fold_positions

START, FIRST = np.datetime64("2010-01"), "2024-01-01"


def donor(seed: int = 1, months: int = 199) -> Donor:
    rng = np.random.default_rng(seed)
    season = 1 + 0.2 * np.sin(np.arange(months) * np.pi / 6)
    return Donor(
        START + np.arange(months), 100 * season * np.exp(0.005 * np.arange(months) + 0.02 * rng.standard_normal(months))
    )


def short_panel(values: dict[str, np.ndarray]) -> Panel:
    frames = [
        pd.DataFrame({"unique_id": code, "flow": "X", "partner": code, "sector": "TOTAL", "y": y}).assign(
            ds=pd.date_range(FIRST, periods=len(y), freq="MS")
        )
        for code, y in values.items()
    ]
    return Panel.from_long(pd.concat(frames))


@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.9))
def test_parts_that_add_up_add_up_in_borrowed_months(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.uniform(50, 90, 31)
    first = whole * np.clip(share + 0.05 * rng.standard_normal(31), 0.01, 0.99)
    panel = borrow_history(short_panel({"A": first, "B": whole - first, "WLD": whole}), {"X": donor()})
    rows = dict(zip(panel.unique_ids, panel.values, strict=True))
    assert_allclose(rows["A"] + rows["B"], rows["WLD"])


def test_borrowed_months_are_imputed_and_shaped_as_the_donor() -> None:
    own = np.linspace(20, 30, 31)
    panel = borrow_history(short_panel({"A": own}), {"X": donor()})
    assert len(panel.months) == BORROWED_MONTHS + 31
    assert panel.imputed[0, :BORROWED_MONTHS].all()
    assert not panel.imputed[0, BORROWED_MONTHS:].any()
    place = int((panel.months[0] - START).astype(int))
    assert np.ptp(panel.values[0, :BORROWED_MONTHS] / donor().values[place : place + BORROWED_MONTHS]) < 1e-12
    assert_allclose(panel.values[0, BORROWED_MONTHS:], own)


def test_no_fold_lies_in_borrowed_months() -> None:
    panel = borrow_history(short_panel({"A": np.linspace(20, 30, 31)}), {"X": donor()})
    folds = fold_positions(panel, ForecastConfig())
    assert folds[0] == BORROWED_MONTHS + 5
    assert folds[-1] == len(panel.months) - 2


def test_a_fold_does_not_see_later_months_through_the_scale() -> None:
    own = np.linspace(20, 30, 31)
    changed = own.copy()
    changed[8:] *= 3
    panels = [short_panel({"A": values}) for values in (own, changed)]
    cutoff = BORROWED_MONTHS + 7
    seen = [
        borrowed_at_cutoffs(borrow_history(panel, {"X": donor()}), panel, {"X": donor()}, [cutoff], {})[cutoff]
        for panel in panels
    ]
    assert_allclose(seen[0], seen[1])
    assert np.isfinite(seen[0]).all()


@pytest.mark.parametrize("donors", [{}, {"M": donor()}])
def test_a_panel_without_a_donor_of_its_flow_is_unchanged(donors: dict[str, Donor]) -> None:
    panel = short_panel({"A": np.linspace(20, 30, 31)})
    extended = borrow_history(panel, donors)
    own = extended.values[:, -31:]
    assert_allclose(own, panel.values)
    assert np.isnan(extended.values[:, :-31]).all()


def test_a_series_that_begins_late_borrows_up_to_its_first_month() -> None:
    early, late = np.linspace(20, 30, 31), np.linspace(5, 6, 31)
    late[:25] = np.nan
    frame_panel = Panel.from_long(
        pd.concat(
            pd.DataFrame({"unique_id": code, "flow": "X", "ds": pd.date_range(FIRST, periods=31, freq="MS"), "y": y})
            for code, y in {"A": early, "B": late}.items()
        ).dropna()
    )
    panel = borrow_history(frame_panel, {"X": donor()})
    assert np.isfinite(panel.values).all()
    assert panel.imputed[1, : BORROWED_MONTHS + 25].all()
    early_fold = borrowed_at_cutoffs(panel, frame_panel, {"X": donor()}, [BORROWED_MONTHS + 10], {})
    assert np.isnan(early_fold[BORROWED_MONTHS + 10][1]).all()
