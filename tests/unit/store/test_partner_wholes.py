"""Remainder partners complete each whole, whichever partners and groups a publisher lists."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.hierarchy import find_hierarchy
from forecasting.data.panel import Panel
from store.errors import NotDerivable
from store.queries.derived_series import remainders_and_totals
from store.queries.partner_wholes import assign_wholes, is_remainder, remainder_of

GROUPS = {"EU27": {"DEU", "FRA", "ITA", "ESP"}, "ASEAN": {"VNM", "THA"}, "G7": {"DEU", "FRA", "USA"}}
COUNTRIES = ["DEU", "FRA", "ITA", "VNM", "THA", "USA", "KOR"]


def published(values: dict[str, float]) -> pd.DataFrame:
    day = pd.Timestamp("2026-02-18")
    frame = pd.DataFrame({"partner": values.keys(), "value": values.values()})
    frame = frame.assign(flow="X", month=pd.Timestamp("2026-01-01"), vintage=day, sector="TOTAL")
    return frame.assign(months=1, status="A", backfilled=False)


def test_a_member_belongs_to_its_published_group_and_others_to_the_world() -> None:
    wholes = assign_wholes(["WLD", "EU27", "EU27_REST", "DEU", "USA", "RST"], GROUPS)
    assert wholes == {"EU27": "WLD", "EU27_REST": "EU27", "DEU": "EU27", "USA": "WLD", "RST": "WLD"}


def test_a_group_that_overlaps_a_larger_one_is_part_of_nothing() -> None:
    wholes = assign_wholes(["WLD", "EU27", "G7", "DEU", "USA"], GROUPS)
    assert "G7" not in wholes
    assert wholes["DEU"] == "EU27"
    assert wholes["USA"] == "WLD"


def test_remainders_are_recognised_by_their_code() -> None:
    assert remainder_of("WLD") == "RST"
    assert remainder_of("EU27") == "EU27_REST"
    assert [is_remainder(code) for code in ("RST", "EU27_REST", "EU27", "USA")] == [True, True, False, False]


@given(
    parts=st.fixed_dictionaries({code: st.integers(0, 10_000) for code in COUNTRIES}),
    rests=st.fixed_dictionaries({code: st.integers(0, 10_000) for code in ("EU27", "ASEAN", "WLD")}),
)
def test_members_and_remainders_add_up_to_their_whole(parts: dict[str, int], rests: dict[str, int]) -> None:
    values = {code: value / 10 for code, value in parts.items()}
    for group in ("EU27", "ASEAN"):
        values[group] = round(sum(values[code] for code in GROUPS[group] if code in values) + rests[group] / 10, 1)
    values["WLD"] = round(values["EU27"] + values["ASEAN"] + values["USA"] + values["KOR"] + rests["WLD"] / 10, 1)
    wholes = assign_wholes(list(values), GROUPS)
    found = remainders_and_totals(published(values), dataset="TEST", wholes=wholes).set_index("partner")["value"]
    assert found.to_dict() == {
        "EU27_REST": rests["EU27"] / 10,
        "ASEAN_REST": rests["ASEAN"] / 10,
        "RST": rests["WLD"] / 10,
    }


def test_parts_above_their_group_are_refused() -> None:
    values = {"DEU": 3.0, "FRA": 2.0, "EU27": 4.0, "WLD": 10.0}
    with pytest.raises(NotDerivable):
        remainders_and_totals(published(values), dataset="TEST", wholes=assign_wholes(list(values), GROUPS))


def test_the_hierarchy_nests_groups_below_the_world() -> None:
    months = pd.date_range("2020-01-01", periods=30, freq="MS")
    rng = np.random.default_rng(1)
    leaves = {code: rng.uniform(5, 9, len(months)) for code in ("DEU", "FRA", "EU27_REST", "USA", "RST")}
    series = leaves | {"EU27": leaves["DEU"] + leaves["FRA"] + leaves["EU27_REST"]}
    series["WLD"] = series["EU27"] + leaves["USA"] + leaves["RST"]
    wholes = assign_wholes(list(series), GROUPS)
    frame = pd.concat(
        pd.DataFrame(
            {"unique_id": code, "flow": "X", "partner": code, "sector": "TOTAL", "whole": wholes.get(code, "")}
            | {"ds": months, "y": values}
        )
        for code, values in series.items()
    )
    panel = Panel.from_long(frame)
    hierarchy = find_hierarchy(panel)
    assert {panel.unique_ids[row] for row in hierarchy.bottom} == set(leaves)
    bottom = panel.values[list(hierarchy.bottom)]
    np.testing.assert_allclose(hierarchy.summing @ bottom, panel.values)
