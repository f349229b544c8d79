import pandas as pd
import pytest

from sources import bundled
from sources.errors import UnknownCode, WrongUnit
from sources.partner_codes import foreign_codes, partners
from sources.provider import ProviderData, Query
from sources.registry import PROVIDERS, with_zeros
from sources.units import in_unit, multiple_of


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_a_query_an_address_and_a_document(name: str) -> None:
    provider = PROVIDERS[name]
    assert issubclass(provider.query, Query)
    assert provider.query.model_config["extra"] == "forbid"
    module = __import__(provider.figures.__module__, fromlist=["x"])
    # A table of your own has its own documentation.
    assert name == "table" or provider.document in (module.__doc__ or "")
    assert provider.address.startswith("http") or name in ("sdmx", "table")


def test_every_foreign_code_stands_for_a_partner_or_for_nobody() -> None:
    table = bundled.codes("foreign")
    known = set(bundled.codes("partners")["code"]) | {""}
    assert set(table["partner"]) - known <= {"BRI"}
    assert not table.duplicated(["scheme", "code"]).any()


@pytest.mark.parametrize(
    ("scheme", "codes", "expected"),
    [
        ("comtrade", ["156", "842", "699", "251", "757", "579", "490", "899"], "CHN USA IND FRA CHE NOR TWN "),
        ("census", ["5700", "1220", "2010", "5830", "-"], "CHN CAN MEX TWN WLD"),
        ("iso2", ["EL", "GR", "GB", "UK", "NA"], "GRC GRC GBR GBR NAM"),
        ("name", ["R. O. Korea", "Congo (DRC)", "Türkiye", "Other Africa"], "KOR COD TUR "),
    ],
)
def test_codes_are_those_of_their_scheme(scheme: str, codes: list[str], expected: str) -> None:
    assert partners(pd.Series(codes), scheme, where="here").tolist() == expected.split(" ")  # type: ignore[arg-type]


def test_a_partner_without_a_code_is_named() -> None:
    assert foreign_codes(["CHN", "USA"], "comtrade", where="here") == ["156", "842"]
    with pytest.raises(UnknownCode, match=r"here: unknown partner \(no comtrade code\) 'ASEAN'"):
        foreign_codes(["ASEAN"], "comtrade", where="here")


@pytest.mark.parametrize(("unit", "multiple"), [("USD", 1), ("USD k", 1000), ("USD m", 10**6), ("CNY bn", 10**9)])
def test_a_unit_says_its_multiple(unit: str, multiple: int) -> None:
    assert multiple_of(unit) == multiple
    figures = ProviderData(pd.DataFrame({"value": [2229.7 * multiple]}), unit[:3])
    assert in_unit(figures, currency=unit[:3], unit=unit, where="here")["value"].tolist() == [2229.7]


def test_another_currency_is_refused() -> None:
    with pytest.raises(WrongUnit, match="here: the figures should be in USD m and are in CNY"):
        in_unit(ProviderData(pd.DataFrame({"value": [1.0]}), "CNY"), currency="USD", unit="USD m", where="here")


def test_zeros_stand_where_a_month_has_figures_of_others_and_since_a_series_was_last_stored() -> None:
    rows = [("2026-01", "X", "USA", "85", 1.0), ("2026-02", "X", "USA", "87", 2.0)]
    stored = pd.DataFrame(
        [("2025-10", "X", "USA", "85"), ("2025-09", "X", "USA", "99")], columns=["month", "flow", "partner", "sector"]
    )
    frame = with_zeros(pd.DataFrame(rows, columns=["month", "flow", "partner", "sector", "value"]), stored)
    assert sorted(frame[["month", "sector", "value"]].to_numpy().tolist()) == [
        ["2025-11", "85", 0.0],
        ["2025-12", "85", 0.0],
        ["2026-01", "85", 1.0],
        ["2026-01", "87", 0.0],
        ["2026-02", "85", 0.0],
        ["2026-02", "87", 2.0],
    ]
