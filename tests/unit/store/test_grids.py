import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from migrations.grids import decoded, encoded
from store import grids

SHAPE = (5, 4, 1000)
SINGLE = 2.5e-7
"""Rounding of centre, unit and result in single precision."""


@pytest.fixture
def draws() -> NDArray[np.float32]:
    """Skewed draws of five series, the first of which are often zero, at four steps of growing spread."""
    generator = np.random.default_rng(1)
    spread = np.array([0.1, 0.2, 0.4, 0.8])[:, None]
    found = np.exp(generator.normal(3, spread, size=SHAPE))
    found[0, :, :300] = 0.0
    return found.astype(np.float32)


def read(values: NDArray[np.floating]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = grids.decode(grids.encode(values).tobytes(), values.shape[-1]).reshape(values.shape)
    return found


def bound(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """The error that the module's description allows."""
    whole = values.astype(np.float64)
    least, greatest = whole.min(axis=-1, keepdims=True), whole.max(axis=-1, keepdims=True)
    centre = np.clip(0, least, greatest)
    both = np.where(centre > least, 2, 1) * (greatest - least)
    halves: NDArray[np.float64] = np.sqrt(np.abs(whole - centre) * both) / grids.GREATEST + both / grids.GREATEST**2
    single: NDArray[np.float64] = SINGLE * np.maximum(np.abs(whole), np.abs(centre)) + 5e-29
    return halves + single


@given(arrays(np.float64, (3, 7), elements=st.floats(-(2.0**60), 2.0**60, width=32)))
def test_a_number_is_read_within_the_bound_of_its_row(rows: NDArray[np.float64]) -> None:
    assert (np.abs(read(rows) - rows) <= bound(rows)).all()


def test_draws_are_read_within_their_bound(draws: NDArray[np.float32]) -> None:
    assert grids.encode(draws).shape == (5, 4, grids.row_bytes(1000)) == (5, 4, 2010)
    assert (np.abs(read(draws) - draws) <= bound(draws)).all()


def test_one_huge_draw_does_not_coarsen_the_others(draws: NDArray[np.float32]) -> None:
    draws[:, :, 500] = 20_000.0  # A thousand times the median.
    others = np.delete(np.abs(read(draws) - draws) / np.maximum(draws, 1), 500, axis=-1)
    assert others.max() < 0.002


def test_parts_add_up_to_their_whole_within_the_bounds_of_all(draws: NDArray[np.float32]) -> None:
    whole = draws.sum(axis=0, dtype=np.float64)
    parts = read(draws).sum(axis=0, dtype=np.float64)
    assert (np.abs(parts - read(whole)) <= bound(draws).sum(axis=0) + bound(whole)).all()
    assert np.abs(parts / whole - 1).max() < 1e-4


def test_zeros_and_the_order_of_draws_are_kept(draws: NDArray[np.float32]) -> None:
    changes = draws - draws.mean(axis=-1, keepdims=True)
    changes[draws == 0] = 0.0
    for values in (draws, changes, -draws):
        found = read(values)
        assert_array_equal(np.sign(found)[draws == 0], 0)
        order = np.argsort(values, axis=-1)
        assert (np.diff(np.take_along_axis(found, order, axis=-1), axis=-1) >= 0).all()
    assert (read(draws) >= 0).all()


def test_missing_numbers_remain_missing_and_constant_rows_constant() -> None:
    rows = np.array([[8.1, np.nan, 8.1], [np.nan] * 3, [0, 0, np.inf], [-2.5, -2.5, -2.5], [0, 2e6, -np.inf]])
    expected = [[8.1, np.nan, 8.1], [np.nan] * 3, [0, 0, np.nan], [-2.5, -2.5, -2.5], [0, 2e6, np.nan]]
    assert_array_equal(read(rows), np.array(expected, dtype=np.float32))


def test_migrations_write_and_read_the_same_format(draws: NDArray[np.float32]) -> None:
    for values in (draws, draws - draws.mean()):
        data = grids.encode(values).tobytes()
        assert encoded(values) == data
        assert_array_equal(decoded(data, 1000), grids.decode(data, 1000))
