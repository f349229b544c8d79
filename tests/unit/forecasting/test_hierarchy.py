"""Aggregation constraints, and reconciliation by them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.data.hierarchy import aggregation_levels, find_hierarchy
from forecasting.data.panel import Panel
from forecasting.uncertainty.reconciliation import reconciler
from tests.support.panels import gaps_of_sums, grid_panel, long_frame

PANEL = grid_panel()
HIERARCHY = find_hierarchy(PANEL)


def test_the_hierarchy_of_partners_and_sectors_is_found():
    bottom = {PANEL.unique_ids[row] for row in HIERARCHY.bottom}
    assert bottom == {f"T.X.{partner}.{sector}" for partner in ("DEU", "USA", "VNM") for sector in ("EV", "SOLAR")}
    assert_allclose(HIERARCHY.summing @ PANEL.values[list(HIERARCHY.bottom)], PANEL.values)
    assert_allclose(HIERARCHY.constraints @ PANEL.values, 0, atol=1e-9)


def test_parts_and_totals_have_their_own_levels():
    named = dict(zip(PANEL.unique_ids, aggregation_levels(PANEL), strict=True))
    parts = {named[f"T.X.{partner}.{sector}"] for partner in ("DEU", "USA", "VNM") for sector in ("EV", "SOLAR")}
    partners = {named[f"T.X.{partner}.TOTAL"] for partner in ("DEU", "USA", "VNM")}
    sectors = {named[f"T.X.WLD.{sector}"] for sector in ("EV", "SOLAR")}
    sorts = [parts, partners, sectors, {named["T.X.WLD.TOTAL"]}]
    assert [len(sort) for sort in sorts] == [1, 1, 1, 1]
    assert len(set.union(*sorts)) == 4
    assert len(set(aggregation_levels(Panel.from_long(long_frame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))))) == 1


def test_an_aggregate_above_its_parts_is_no_constraint():
    keys = {uid: {"partner": uid, "sector": "TOTAL"} for uid in ("WLD", "DEU", "USA")}
    parts = {"DEU": np.full(24, 10.0), "USA": np.full(24, 20.0), "WLD": np.full(24, 50.0)}
    assert find_hierarchy(Panel.from_long(long_frame(parts, keys=keys))).trivial


def test_series_without_keys_have_no_hierarchy():
    assert find_hierarchy(Panel.from_long(long_frame({"a": [1.0, 2.0]}))).trivial


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0.0, 5.0))
def test_any_draw_becomes_coherent_and_non_negative(seed, spread):
    draw = np.random.default_rng(seed)
    base = PANEL.values[:, -1:, None] * (1 + spread * draw.normal(size=(len(PANEL.unique_ids), 20, 3)))
    variances = draw.gamma(1.0, 1.0, len(base)) * PANEL.values[:, -1] ** 2
    common = draw.normal(size=(len(base), 2)) * np.sqrt(variances)[:, None]
    coherent = reconciler(HIERARCHY, variances, common)(base, np.zeros(len(base)))
    assert coherent.min() >= 0
    assert gaps_of_sums(PANEL, coherent) <= 1e-9 * max(1.0, float(np.abs(coherent).max()))


def test_coherent_values_are_unchanged():
    coherent = PANEL.values[:, -12:]
    assert_allclose(reconciler(HIERARCHY, np.ones(len(coherent)))(coherent), coherent, atol=1e-9)


def test_agrees_with_the_textbook_formula():
    """S (S' W^-1 S)^-1 S' W^-1 y, Wickramasuriya et al. (2019)."""
    draw = np.random.default_rng(3)
    variances = draw.gamma(2.0, 1.0, len(PANEL.unique_ids))
    base = PANEL.values[:, -6:] + draw.normal(0, 5, (len(variances), 6))
    summing = HIERARCHY.summing.toarray()
    for common in (None, draw.normal(size=(len(variances), 3))):
        covariance = np.diag(variances) + (0.0 if common is None else common @ common.T)
        weighted = summing.T @ np.linalg.inv(covariance)
        textbook = summing @ np.linalg.solve(weighted @ summing, weighted @ base)
        coherent = reconciler(HIERARCHY, variances, common)(base)
        assert_allclose(coherent, textbook, rtol=1e-8, atol=1e-8)


def test_the_least_certain_part_absorbs_the_incoherence():
    keys = {uid: {"partner": uid, "sector": "TOTAL"} for uid in ("WLD", "DEU", "USA")}
    parts = {"DEU": np.full(24, 10.0), "USA": np.full(24, 20.0), "WLD": np.full(24, 30.0)}
    hierarchy = find_hierarchy(Panel.from_long(long_frame(parts, keys=keys)))
    coherent = reconciler(hierarchy, np.array([1e-6, 1.0, 1e-6]))(np.array([[10.0], [20.0], [36.0]]))
    assert_allclose(coherent[:, 0], [10.0, 26.0, 36.0], rtol=1e-4)


def test_narrowing_is_the_median_ratio_of_standard_deviations_of_reconciled_draws():
    draw = np.random.default_rng(11)
    series = len(PANEL.unique_ids)
    variances = draw.gamma(2.0, 1.0, series)
    common = draw.normal(size=(series, 2)) * np.sqrt(variances)[:, None]
    # The weights of the reconciler are not those of the draws: it shrinks their correlations.
    reconcile = reconciler(HIERARCHY, variances, 0.5 * common)
    normal = draw.normal(size=(series, 40_000)) * np.sqrt(variances)[:, None]
    values = normal + common @ draw.normal(size=(2, 40_000))
    expected = np.median(reconcile(values).var(axis=1) / values.var(axis=1)) ** 0.5
    found = reconcile.narrowing(variances, common)
    assert_allclose(found, expected, rtol=0.02)
    assert expected < 0.95


def test_a_series_without_a_constraint_is_not_narrowed():
    keys = {uid: {"partner": uid, "sector": "TOTAL"} for uid in ("WLD", "DEU", "USA")} | {
        "alone": {"partner": "FRA", "sector": "EV"}
    }
    values = {"DEU": np.full(24, 10.0), "USA": np.full(24, 20.0), "WLD": np.full(24, 30.0), "alone": np.full(24, 5.0)}
    panel = Panel.from_long(long_frame(values, keys=keys))
    found = reconciler(find_hierarchy(panel), np.ones(4)).narrowing(np.ones(4), np.zeros((4, 1)))
    alone = panel.unique_ids.index("alone")
    assert found[alone] == 1.0
    assert (np.delete(found, alone) < 1.0).all()
    assert (
        reconciler(find_hierarchy(Panel.from_long(long_frame({"a": [1.0]}))), np.ones(1)).narrowing(
            np.ones(1), np.zeros((1, 1))
        )
        == 1.0
    ).all()
