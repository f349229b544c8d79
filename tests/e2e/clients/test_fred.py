"""fredapi, with its root_url changed and nothing else."""

from datetime import datetime

import pandas as pd
import pytest
from fredapi import Fred
from numpy.testing import assert_allclose
from sqlmodel import Session

from store.queries import catalog, observations
from tests.integration.api.conftest import World

EXPORTS = "CN_TRADE.X.WLD.TOTAL"


@pytest.fixture(scope="module")
def fred(address: str) -> Fred:
    fred = Fred(api_key="none-needed")
    fred.root_url = f"{address}/fred"
    return fred


@pytest.fixture(scope="module")
def stored(world: World) -> pd.Series:
    with Session(world.engine) as session:
        frame = observations.panel_frame(session, "CN_TRADE")
    return frame[frame["unique_id"] == EXPORTS].set_index("ds")["y"]


def test_get_series_returns_the_stored_observations(fred: Fred, stored: pd.Series) -> None:
    found = fred.get_series(EXPORTS)
    assert list(found.index) == list(stored.index)
    assert_allclose(found.to_numpy(), stored.to_numpy(), rtol=1e-11)


def test_a_range_units_and_a_frequency_are_those_of_fred(fred: Fred, stored: pd.Series) -> None:
    some = fred.get_series(EXPORTS, observation_start="1/1/2024", observation_end="2024-06-01")
    assert (some.index[0], len(some)) == (pd.Timestamp(2024, 1, 1), 6)
    growth = fred.get_series(EXPORTS, units="pc1")
    expected = (100 * (stored / stored.shift(12) - 1)).dropna()
    assert_allclose(growth.to_numpy(), expected.to_numpy(), rtol=1e-9)
    quarters = fred.get_series(EXPORTS, frequency="q")
    assert_allclose(quarters.iloc[0], stored.iloc[:3].sum(), rtol=1e-11)
    means = fred.get_series(EXPORTS, frequency="a", aggregation_method="avg")
    assert_allclose(means.iloc[0], stored.iloc[:12].mean(), rtol=1e-11)


def test_releases_over_time_are_known(fred: Fred) -> None:
    releases = fred.get_series_all_releases(EXPORTS)
    assert set(releases) == {"date", "realtime_start", "value"}
    first = fred.get_series_first_release(EXPORTS)
    assert first.index.is_unique
    assert len(first) == releases["date"].nunique()
    dates = fred.get_series_vintage_dates(EXPORTS)
    assert dates == sorted(set(releases["realtime_start"]))
    middle = dates[len(dates) // 2]
    known = fred.get_series_as_of_date(EXPORTS, middle)
    assert known["realtime_start"].max() <= middle
    assert known["date"].max() < releases["date"].max()


def test_series_are_found_and_described(fred: Fred) -> None:
    found = fred.search("electric vehicles germany")
    assert list(found.index) == ["CN_CLEANTECH.X.DEU.EV"]
    info = fred.get_series_info("CN_CLEANTECH.X.DEU.EV")
    assert (info["units"], info["frequency_short"]) == ("USD m", "M")


def test_a_balance_is_a_series_too(fred: Fred) -> None:
    balance = fred.get_series("CN_TRADE.B.WLD.TOTAL")
    expected = fred.get_series(EXPORTS) - fred.get_series("CN_TRADE.M.WLD.TOTAL")
    assert_allclose(balance.to_numpy(), expected.to_numpy(), rtol=1e-9)


def test_an_unknown_series_is_an_error_that_fredapi_shows(fred: Fred) -> None:
    with pytest.raises(ValueError, match="Bad Request"):
        fred.get_series("CN_TRADE.X.NOWHERE.TOTAL")
    with pytest.raises(ValueError, match="units"):
        fred.get_series(EXPORTS, units="furlongs")


def test_releases_are_the_datasets(fred: Fred, address: str, world: World) -> None:
    with Session(world.engine) as session:
        names = [dataset.id for dataset in catalog.datasets(session)]
    found = pd.read_xml(f"{address}/fred/releases", xpath="//release")
    assert [name.split(":")[0] for name in found["name"]] == names
    assert datetime.fromisoformat(str(found["realtime_start"][0])).year == 2026
