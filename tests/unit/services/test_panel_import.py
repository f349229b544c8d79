import pandas as pd
import pytest

from services.datasets.panel_import import panel_observations


def panel(*names: str, **columns: str) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": names, "ds": pd.Timestamp("2024-01-01"), "y": 1.0}).assign(**columns)


def keys(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(frame[["flow", "partner", "sector"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("DEU.EV", "USA.EV"), [("X", "DEU", "EV"), ("X", "USA", "EV")]),
        (("M.Germany.TOTAL", "X.WLD.TOTAL"), [("M", "DEU", "TOTAL"), ("X", "WLD", "TOTAL")]),
        (("VN.X.CHN.85", "VN.X.CHN.86"), [("X", "CHN", "85"), ("X", "CHN", "86")]),
    ],
)
def test_names_that_say_what_they_are_become_partners_and_sectors(names, expected) -> None:
    found = panel_observations(panel(*names))
    assert (keys(found.frame), found.structured) == (expected, True)


def test_other_names_become_sectors_of_their_own_that_do_not_add_up() -> None:
    found = panel_observations(panel("DEU.EV", "Rice, milled", "Rice; milled", "TOTAL"))
    assert [sector for _, _, sector in keys(found.frame)] == ["DEU.EV", "Rice_milled", "Rice_milled_3", "TOTAL_4"]
    assert found.sectors["Rice_milled_3"] == "Rice; milled"
    assert not found.structured


def test_columns_of_partners_and_sectors_come_first() -> None:
    found = panel_observations(panel("a", "b", partner="USA"))
    assert keys(found.frame) == [("X", "USA", "TOTAL")] * 2
