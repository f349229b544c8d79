"""The bundled trade by partner, by commodity group, and the vintages of the totals, as the store has them."""

from datetime import date

import pandas as pd
import pytest
from sqlmodel import Session

from store.queries import catalog
from store.queries.observations import panel_frame

GROWTH_OF_2025 = {"WLD": 6.1, "USA": -19.4, "ASEAN": 14.1, "EU27": 9.2, "AFRICA": 26.3, "LATAM": 8.0}


def yearly(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    table: pd.DataFrame = frame.assign(year=frame["ds"].dt.year).pivot_table(
        index=by, columns="year", values="y", aggfunc="sum"
    )
    return table


@pytest.mark.parametrize(("as_of", "exports"), [(date(2026, 8, 11), 412.4), (date(2026, 8, 18), 411.9)])
def test_june_2026_is_answered_as_it_was_known(bundled: Session, as_of: date, exports: float) -> None:
    frame = panel_frame(bundled, "CN_TRADE", as_of)
    june = frame[(frame["flow"] == "X") & (frame["ds"] == "2026-06-01")]
    assert june["y"].tolist() == [exports]


def test_growth_of_2025_by_partner_is_as_published(bundled: Session) -> None:
    frame = panel_frame(bundled, "CN_PARTNERS")
    years = yearly(frame[frame["flow"] == "X"], "partner")
    growth = 100 * (years[2025] / years[2024] - 1)
    assert growth[list(GROWTH_OF_2025)].round(1).to_dict() == GROWTH_OF_2025


def test_growth_of_2025_by_commodity_is_as_published(bundled: Session) -> None:
    # Printed rates rest on year-to-date values, which include the revisions of months within the year.
    years = yearly(panel_frame(bundled, "CN_COMMODITIES"), "sector")
    growth = 100 * (years[2025] / years[2024] - 1)
    printed = pd.Series({"IC": 27.4, "CARS": 22.0, "CLOTHING": -4.4, "TOYS": -12.1})
    assert (growth[printed.index] - printed).abs().max() < 0.15


@pytest.mark.parametrize(("sector", "volume", "price"), [("STEEL", 7.5, -7.6), ("CARS", 30.0, -6.2), ("IC", 17.9, 8.2)])
def test_prices_fell_while_volumes_rose_in_2025(bundled: Session, sector: str, volume: float, price: float) -> None:
    years = yearly(panel_frame(bundled, "CN_COMMODITIES"), "sector")
    quantities, values = years.loc[f"{sector}_QTY"], years.loc[sector]
    assert 100 * (quantities[2025] / quantities[2024] - 1) == pytest.approx(volume, abs=0.1)
    unit_values = values / quantities
    assert 100 * (unit_values[2025] / unit_values[2024] - 1) == pytest.approx(price, abs=0.1)


def test_members_and_remainder_add_up_in_every_month(bundled: Session) -> None:
    frame = panel_frame(bundled, "CN_PARTNERS")
    values = frame.set_index(["flow", "ds", "partner"])["y"]
    parts = (
        frame[frame["whole"] != ""].groupby(["flow", "ds", "whole"])["y"].sum().rename_axis(["flow", "ds", "partner"])
    )
    gaps = (parts - values.reindex(parts.index)).abs()
    assert gaps.max() < 1e-6
    assert (frame[frame["partner"].str.endswith("REST")]["y"] > 0).all()


def test_a_group_says_how_many_of_its_members_it_holds(bundled: Session) -> None:
    partial = {group.code: group.label for group in catalog.groups(bundled, "CN_CLEANTECH")}
    whole = {group.code: group.label for group in catalog.groups(bundled, "CN_PARTNERS")}
    assert partial["EU27"] == "European Union (7 of 27 members)"
    assert whole["EU27"] == "European Union"
    assert whole["AFRICA"] == "Africa"
