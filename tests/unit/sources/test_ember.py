from datetime import date
from typing import Any

import pandas as pd
import pytest

from sources.errors import ChangedShape, Refused, UnknownCode
from sources.provider import Access, Window
from sources.providers import ember
from sources.providers.ember import EmberQuery
from tests.conftest import SHARED_DATA
from tests.support.http_providers.local import LocalProvider, Reply, html, quick_client

WINDOW = Window(date(2026, 1, 1), date(2026, 2, 1))
HEADER = "Area,Date,Area type,Region,Commodity category,Amount (USD)\n"
ROWS = (
    ("Viet Nam", "2026-01-01", "Country or economy", "Asia", "Solar PV", "1500000.0"),
    ("Viet Nam", "2026-02-01", "Country or economy", "Asia", "Solar PV", "1250000.0"),
    ("Viet Nam", "2026-02-01", "Country or economy", "Asia", "EVs", "750000.0"),
    ("Viet Nam", "2025-12-01", "Country or economy", "Asia", "EVs", "1.0"),
    ("Viet Nam", "2026-02-01", "Country or economy", "Asia", "Wind", "99.0"),
    ("Congo (DRC)", "2026-02-01", "Country or economy", "Africa", "Batteries", "20.0"),
    ("Other Africa", "2026-02-01", "Country or economy", "Africa", "Batteries", "21.0"),
    ("Africa", "2026-02-01", "Region", "Africa", "Batteries", "41.0"),
    ("World", "2026-02-01", "Region", "", "Batteries", "41.0"),
)
RELEASE = (HEADER + "".join(",".join(row) + "\n" for row in ROWS)).encode()


def ask(provider: LocalProvider, window: Window = WINDOW, **query: Any) -> pd.DataFrame:
    with quick_client() as client:
        figures = ember.figures(EmberQuery.model_validate(query), client, Access(provider.address), window)
    assert figures.currency == "USD"
    return figures.frame


def test_clean_technology_by_destination_without_regions(provider: LocalProvider) -> None:
    provider.answer = lambda request: Reply(RELEASE) if request.path == ember.CLEANTECH else Reply(status=404)
    frame = ask(provider)
    assert frame.set_index(["month", "partner", "sector"])["value"].to_dict() == {
        ("2026-01", "VNM", "SOLAR"): 1_500_000.0,
        ("2026-02", "VNM", "SOLAR"): 1_250_000.0,
        ("2026-02", "VNM", "EV"): 750_000.0,
        ("2026-02", "COD", "BATTERIES"): 20.0,
        ("2026-02", "WLD", "BATTERIES"): 41.0,
    }
    assert set(frame["flow"]) == {"X"}
    assert set(ask(provider, partners=["WLD"])["partner"]) == {"WLD"}
    assert set(ask(provider, sectors={"Wind": "WIND"})["sector"]) == {"WIND"}


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (html("Moved"), ChangedShape, "expected a table, found HTML"),
        (Reply(RELEASE.replace(b"Amount (USD)", b"Amount (EUR)")), ChangedShape, r"expected columns Amount \(USD\)"),
        (
            Reply(RELEASE.replace(b"2026-02-01", b"02/2026")),
            ChangedShape,
            r"is not written as %Y-%m-%d \('02/2026'\)",
        ),
        (Reply(RELEASE.replace(b"Viet Nam", b"Atlantis")), UnknownCode, "unknown partner .name. 'Atlantis'"),
        (Reply(status=500), Refused, "answered 500"),
    ],
)
def test_a_release_that_reads_otherwise_is_named(
    provider: LocalProvider, reply: Reply, error: type[Exception], message: str
) -> None:
    provider.answer = lambda _: reply
    with pytest.raises(error, match=message):
        ask(provider)


def test_the_real_solar_release_adds_up_to_the_world(provider: LocalProvider) -> None:
    path = SHARED_DATA / "cn_solar" / "mart_solar_exports_full_release_monthly.csv"
    if not path.exists():
        pytest.skip("Ember's solar release is not beside the repository")
    frame = ask(provider, Window(date(2017, 1, 1), date(2025, 9, 1)), release="solar", location=str(path))
    assert set(frame["sector"]) == {"SOLAR"}
    by_month = frame.assign(world=frame["partner"] == "WLD").pivot_table(
        index="month", columns="world", values="value", aggfunc="sum"
    )
    assert len(by_month) == 105
    # Four areas are no country: "Other Africa" and the like, and the Netherlands Antilles.
    assert ((by_month[True] - by_month[False]) / by_month[True]).between(-1e-9, 1e-3).all()


def test_the_solar_release_has_to_be_stated_to_be_somewhere() -> None:
    with pytest.raises(ValueError, match="location has to say where the solar release is"):
        EmberQuery(release="solar")
