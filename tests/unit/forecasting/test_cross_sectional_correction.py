"""The cross-sectional correction: it learns reversion across series, ignores noise, and never sees the future."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.combination.cross_sectional_correction import correct
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform, transform_units

SERIES, MONTHS, HORIZON = 40, 84, 6
CUTOFFS = np.arange(30, MONTHS)


def problem(seed=0, *, reverts=0.0, common=0.0, noise=0.1):
    """Markets that jump each month and revert in part; the combination is the last value."""
    draw = np.random.default_rng(seed)
    leaps = 0.4 * draw.normal(size=(SERIES, MONTHS))
    steady = np.cumsum(noise * draw.normal(size=(SERIES, MONTHS)), axis=1) + draw.normal(size=(SERIES, 1))
    together = common * np.cumsum(draw.normal(size=MONTHS))
    values = 100 * np.exp(steady + reverts * leaps + together)
    padded = np.pad(values, ((0, 0), (0, HORIZON)), constant_values=np.nan)
    actual = padded[:, CUTOFFS[:, None] + 1 + np.arange(HORIZON)]
    centre = np.repeat(values[:, CUTOFFS, None], HORIZON, axis=2)
    sectors = ["A", "B"] * (SERIES // 2)
    return {
        "centre": centre,
        "actual": np.where(CUTOFFS[:, None] + 1 + np.arange(HORIZON) < MONTHS, actual, np.nan),
        "values": values,
        "transform_unit": transform_units(values, CUTOFFS),
        "cutoffs": CUTOFFS,
        "sectors": sectors,
    }


def error(given, centre):
    delayed = slice(24, None)
    unit = given["transform_unit"][:, delayed, None]
    return np.nanmean(np.abs(transform(given["actual"][:, delayed], unit) - transform(centre[:, delayed], unit)))


def test_a_jump_is_corrected_where_earlier_jumps_reverted():
    given = problem(reverts=1.0)
    before, after = error(given, given["centre"]), error(given, correct(**given))
    assert after < 0.9 * before


def test_noise_gives_no_correction():
    given = problem(reverts=0.0, noise=0.3)
    assert error(given, correct(**given)) <= 1.005 * error(given, given["centre"])


def test_a_boom_of_the_whole_panel_is_not_learned():
    given = problem(reverts=1.0)
    calm = correct(**given)
    # All actuals double: every error grows by the same amount on the arsinh scale.
    lifted = inverse_transform(
        transform(given["actual"], given["transform_unit"][..., None]) + 0.2, given["transform_unit"][..., None]
    )
    boom = correct(**(given | {"actual": lifted}))
    # Limits of errors take a part of the largest ones, which changes the correction of a few series slightly.
    assert_allclose(np.log(boom / calm).mean(axis=0), 0.0, atol=0.01)
    assert_allclose(boom, calm, rtol=0.2)


def test_recent_folds_have_more_weight():
    given = problem(reverts=1.0)
    linked = transform(given["centre"], given["transform_unit"][..., None])
    missed = transform(given["actual"], given["transform_unit"][..., None]) - linked
    # In the first years markets continued as much as they reverted in the last ones.
    turned = np.where((CUTOFFS < 50)[:, None], -missed, missed)
    given["actual"] = inverse_transform(linked + turned, given["transform_unit"][..., None])
    unit = given["transform_unit"][:, -1]
    leapt = transform(given["values"][:, -1], unit) - transform(given["values"][:, -2], unit)
    moved = transform(correct(**given)[:, -1, 0], unit) - transform(given["centre"][:, -1, 0], unit)
    assert np.corrcoef(leapt, moved)[0, 1] < -0.5


def test_the_correction_sees_nothing_after_the_cutoff():
    given = problem(reverts=1.0)
    fold = 30
    cutoff = CUTOFFS[fold]
    changed = {name: np.array(given[name]) for name in ("centre", "actual", "values", "transform_unit")}
    changed["values"][:, cutoff + 1 :] *= 9
    changed["centre"][:, fold + 1 :] *= 9
    changed["transform_unit"][:, fold + 1 :] *= 9
    after = CUTOFFS[:, None] + 1 + np.arange(HORIZON) > cutoff
    changed["actual"][:, after] *= 9
    assert (correct(**(given | changed))[:, : fold + 1] == correct(**given)[:, : fold + 1]).all()


def test_the_first_folds_are_not_corrected():
    given = problem(reverts=1.0)
    assert_allclose(correct(**given)[:, :12], given["centre"][:, :12])


def test_steps_without_known_errors_are_corrected_as_the_nearest_ones():
    given = problem(reverts=1.0)
    far = CUTOFFS[:, None] + 1 + np.arange(HORIZON) > CUTOFFS[-1] - HORIZON
    unknown = given | {"actual": np.where(far | (np.arange(HORIZON) > 2), np.nan, given["actual"])}
    unit = given["transform_unit"][:, -1, None]
    moved = transform(correct(**unknown)[:, -1], unit) - transform(given["centre"][:, -1], unit)
    assert np.corrcoef(moved[:, 2], moved[:, 5])[0, 1] > 0.9
    assert np.abs(moved[:, 5]).mean() > 0.02


def test_a_single_series_is_not_corrected():
    given = problem(reverts=1.0)
    alone = {name: given[name][:1] for name in ("centre", "actual", "values", "transform_unit")}
    assert (correct(**(given | alone | {"sectors": ["A"]})) == alone["centre"]).all()


def test_empty_series_stay_zero_and_series_not_begun_stay_nan():
    given = problem(reverts=1.0)
    for name in ("centre", "actual", "values"):
        given[name][0] = 0.0
    given["values"][1, :50] = np.nan
    given["centre"][1, CUTOFFS < 50] = np.nan
    given["transform_unit"] = transform_units(given["values"], CUTOFFS)
    corrected = correct(**given)
    assert (corrected[0] == 0).all()
    assert np.isnan(corrected[1, CUTOFFS < 50]).all()
    assert np.isfinite(corrected[1, CUTOFFS >= 50]).all()
    assert np.isfinite(corrected[2:]).all()


@pytest.mark.parametrize("months", [1, 5, 13])
def test_the_correction_works_at_the_shortest_histories(months):
    given = problem()
    short = {
        "values": given["values"][:, :months],
        "centre": given["centre"][:, :1],
        "actual": given["actual"][:, :1],
        "transform_unit": given["transform_unit"][:, :1],
        "cutoffs": np.array([months - 1]),
    }
    assert_allclose(correct(**(given | short)), short["centre"])
