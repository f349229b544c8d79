from datetime import date

import pandas as pd
import pytest
from pydantic import SecretStr

from sources.errors import CapReached, ChangedShape, Refused, Truncated, UnknownCode
from sources.provider import Access, Window
from sources.providers import comtrade
from sources.providers.comtrade import ComtradeQuery
from tests.support.http_providers.comtrade import ComtradeApi, record
from tests.support.http_providers.local import LocalProvider, Reply, as_json, html, quick_client

WINDOW = Window(date(2026, 1, 1), date(2026, 3, 1))
MONTHS = ("202601", "202602", "202603")
WORLD, USA, INDIA, OTHER_ASIA, NOWHERE = "0", "842", "699", "490", "899"
RECORD = record("202601", "X", WORLD, "TOTAL", 1.0)


def api(partners: tuple[str, ...] = (WORLD, USA), sectors: tuple[str, ...] = ("TOTAL",)) -> ComtradeApi:
    values = {
        (month, flow, partner, sector): 1e9 + 1e6 * place
        for place, month in enumerate(MONTHS)
        for flow in ("X", "M")
        for partner in partners
        for sector in sectors
    }
    return ComtradeApi(values, key="s3cret")


def ask(provider: LocalProvider, key: str | None = None, **query: object) -> pd.DataFrame:
    access = Access(provider.address, SecretStr(key) if key else None)
    with quick_client() as client:
        given = ComtradeQuery.model_validate({"reporter": 156, **query})
        figures = comtrade.figures(given, client, access, WINDOW)
    assert figures.currency == "USD"
    return figures.frame


def test_the_preview_is_asked_month_by_month_for_totals_only(provider: LocalProvider) -> None:
    provider.answer = api()
    frame = ask(provider)
    assert len(frame) == 12
    assert frame.iloc[0].to_dict() == {
        "month": "2026-01", "flow": "X", "partner": "WLD", "sector": "TOTAL", "value": 1e9
    }  # fmt: skip
    assert [request.params["period"] for request in provider.requests] == list(MONTHS)
    assert {request.path for request in provider.requests} == {"/public/v1/preview/C/M/HS"}


def test_with_a_key_a_year_is_one_request(provider: LocalProvider) -> None:
    provider.answer = api()
    assert len(ask(provider, key="s3cret")) == 12
    assert [request.path for request in provider.requests] == ["/data/v1/get/C/M/HS"]


def test_codes_of_comtrade_s_own_become_iso_and_what_is_nowhere_is_left_out(provider: LocalProvider) -> None:
    provider.answer = api(partners=(WORLD, USA, INDIA, OTHER_ASIA, NOWHERE))
    assert sorted(set(ask(provider)["partner"])) == ["IND", "TWN", "USA", "WLD"]
    provider.requests.clear()
    assert sorted(set(ask(provider, partners=["IND", "USA"])["partner"])) == ["IND", "USA"]
    assert provider.requests[0].params["partnerCode"] == "699,842"


def test_a_full_answer_is_asked_for_in_parts(provider: LocalProvider) -> None:
    sectors = tuple(f"{chapter:02d}" for chapter in range(1, 97))
    provider.answer = api(partners=(WORLD, USA, INDIA), sectors=sectors)
    frame = ask(provider, sectors=sectors)
    assert len(frame) == 3 * 2 * 3 * 96
    assert not frame.duplicated(["month", "flow", "partner", "sector"]).any()
    assert len(provider.requests) == 3 * 3


def test_a_full_answer_that_cannot_be_parted_is_named(provider: LocalProvider) -> None:
    provider.answer = lambda _: as_json({"count": 500, "data": [RECORD] * 500, "error": ""})
    with pytest.raises(CapReached, match="full at 500 records"):
        ask(provider, flows=["X"])


def test_a_month_not_out_yet_is_no_row(provider: LocalProvider) -> None:
    api_without_march = api()
    api_without_march.values = {key: value for key, value in api_without_march.values.items() if key[0] != "202603"}
    provider.answer = api_without_march
    assert sorted(set(ask(provider)["month"])) == ["2026-01", "2026-02"]


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (html("Service unavailable"), ChangedShape, "expected JSON, found HTML"),
        (Reply(b'{"data": [{"period": '), ChangedShape, "expected JSON"),
        (Reply(b'{"data": ', cut=9), Truncated, "cut short"),
        (as_json([1]), ChangedShape, "found list"),
        (as_json({"dataset": []}), ChangedShape, r"found keys \['dataset'\]"),
        (as_json({"data": [], "error": "Invalid cmdCode"}), ChangedShape, "found Invalid cmdCode"),
        (as_json({"data": [{"period": "202601"}]}), ChangedShape, "flowCode.* found record 1 without"),
        (as_json({"data": [{**RECORD, "period": "2026"}]}), ChangedShape, "expected months as YYYYMM, found 2026"),
        (as_json({"data": [{**RECORD, "partnerCode": 7777}]}), UnknownCode, "unknown partner .comtrade. '7777'"),
        (Reply(status=500), Refused, "answered 500"),
        (Reply(status=429, headers={"Retry-After": "9999"}), Refused, "retry after 9999 s"),
        (as_json({"message": "Access denied"}, status=401), Refused, "answered 401"),
    ],
)
def test_whatever_else_comes_is_named(
    provider: LocalProvider, reply: Reply, error: type[Exception], message: str
) -> None:
    provider.answer = lambda _: reply
    with pytest.raises(error, match=message):
        ask(provider, flows=["X"])


def test_a_code_that_is_new_can_be_reported_in_the_feed(provider: LocalProvider) -> None:
    provider.answer = api(partners=(WORLD, "7777", "7778"))
    assert set(ask(provider, codes={"7777": "USA", "7778": ""})["partner"]) == {"WLD", "USA"}
