from datetime import date
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from sources.errors import ChangedShape, Refused, Truncated, UnknownCode
from sources.provider import Access, Window
from sources.providers import census
from sources.providers.census import CensusQuery
from tests.support.http_providers.local import LocalProvider, ReceivedRequest, Reply, as_json, html, quick_client

WINDOW = Window(date(2025, 11, 1), date(2026, 2, 1))
HEADER = ["CTY_CODE", "GEN_VAL_MO", "NAICS", "time", "SUMMARY_LVL", "COMM_LVL", "NAICS"]


def api(request: ReceivedRequest) -> Reply:
    """Answers like the Bureau: a header, then rows of text; 204 for a year of which nothing is out."""
    assert request.params["SUMMARY_LVL"] == "DET"
    first, last = request.params["time"].removeprefix("from ").split(" to ")
    if first.startswith("2026"):
        return Reply(status=204)
    code, value = request.params["get"].split(",")
    commodity = next(name for name in request.params if name in ("NAICS", "E_COMMODITY", "I_COMMODITY", "I_ENDUSE"))
    goods = ["-"] if request.params[commodity] == "-" else ["334", "335"]
    header = [code, value, "time", "SUMMARY_LVL", commodity]
    rows = [
        [country, "1500000", month, "DET", good]
        for month in (first, last)
        for country in ("-", "5700", "5081", "5082", "5083", "4803")
        for good in goods
    ]
    return as_json([header, *rows])


def ask(provider: LocalProvider, **query: Any) -> pd.DataFrame:
    with quick_client() as client:
        access = Access(provider.address, SecretStr("s3cret"))
        figures = census.figures(CensusQuery.model_validate(query), client, access, WINDOW)
    assert figures.currency == "USD"
    return figures.frame


def test_all_goods_by_country_both_ways(provider: LocalProvider) -> None:
    provider.answer = api
    frame = ask(provider)
    assert set(frame["flow"]) == {"X", "M"}
    assert set(frame["sector"]) == {"TOTAL"}
    assert sorted(set(frame["partner"])) == ["CHN", "ISR", "PSE", "WLD"]
    assert sorted(set(frame["month"])) == ["2025-11", "2025-12"]
    assert [request.path.rpartition("/intltrade/")[2] for request in provider.requests] == ["exports/naics"] * 2 + [
        "imports/naics"
    ] * 2
    assert {request.params["key"] for request in provider.requests} == {"s3cret"}


def test_two_codes_of_theirs_that_are_one_partner_are_added_up(provider: LocalProvider) -> None:
    provider.answer = api
    frame = ask(provider, flows=["M"])
    assert frame.set_index(["month", "partner"])["value"]["2025-11", "PSE"] == 3_000_000


@pytest.mark.parametrize(
    ("query", "path", "value", "commodity"),
    [
        ({"level": "NA3", "flows": ["X"]}, "exports/naics", "ALL_VAL_MO", "NAICS"),
        ({"level": "HS2", "flows": ["X"], "classification": "hs"}, "exports/hs", "ALL_VAL_MO", "E_COMMODITY"),
        ({"level": "HS2", "flows": ["M"], "classification": "hs"}, "imports/hs", "GEN_VAL_MO", "I_COMMODITY"),
        (
            {"level": "EU1", "flows": ["M"], "classification": "enduse", "imports": "consumption"},
            "imports/enduse",
            "CON_VAL_MO",
            "I_ENDUSE",
        ),
    ],
)
def test_each_classification_has_its_own_names(
    provider: LocalProvider, query: dict[str, Any], path: str, value: str, commodity: str
) -> None:
    provider.answer = api
    frame = ask(provider, **query, sectors=["334"], partners=["CHN"])
    assert frame[["partner", "sector"]].drop_duplicates().to_numpy().tolist() == [["CHN", "334"]]
    request = provider.requests[0]
    assert request.path.endswith(path)
    assert (request.params["get"], request.params[commodity]) == (f"CTY_CODE,{value}", "*")


def rows(*rows: list[str]) -> Reply:
    return as_json([HEADER, *rows])


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (html("Invalid Key"), ChangedShape, "expected JSON, found HTML"),
        (Reply(b'[["CTY_CODE","GEN'), ChangedShape, "expected JSON"),
        (Reply(b'[["CTY_CODE"', cut=50), Truncated, "cut short"),
        (as_json({"error": "x"}), ChangedShape, "a list of lists"),
        (
            as_json([["CTY_CODE", "GEN_VAL_YR", "NAICS", "time"]]),
            ChangedShape,
            "expected GEN_VAL_MO, found the heading",
        ),
        (rows(["5700", "1", "-", "2025-11"]), ChangedShape, "expected 7 cells, found row 2 of 2"),
        (rows(["5700", "1", "-", "2019-11", "DET", "-", "-"]), ChangedShape, "found 2019-11"),
        (rows(["5700", "null", "-", "2025-11", "DET", "-", "-"]), ChangedShape, "expected numbers, found .*null"),
        (rows(["9999", "1", "-", "2025-11", "DET", "-", "-"]), UnknownCode, "unknown partner .census. '9999'"),
        (Reply(b"error: unknown variable 'NAICSX'", status=400), Refused, "answered 400"),
        (Reply(status=500), Refused, "answered 500"),
        (Reply(status=429, headers={"Retry-After": "9999"}), Refused, "retry after 9999 s"),
    ],
)
def test_whatever_else_comes_is_named(
    provider: LocalProvider, reply: Reply, error: type[Exception], message: str
) -> None:
    provider.answer = lambda _: reply
    with pytest.raises(error, match=message) as caught:
        ask(provider, flows=["M"])
    assert "s3cret" not in str(caught.value)


def test_a_code_that_is_new_can_be_reported_in_the_feed(provider: LocalProvider) -> None:
    reported = rows(["9999", "5", "-", "2025-11", *"D--"], ["-", "5", "-", "2025-11", *"D--"])
    provider.answer = lambda request: reported if request.params["time"].startswith("from 2025") else Reply(status=204)
    assert set(ask(provider, flows=["M"], codes={"9999": "CHN"})["partner"]) == {"CHN", "WLD"}
