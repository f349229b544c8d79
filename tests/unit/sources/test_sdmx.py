from datetime import date
from typing import Any

import pandas as pd
import pytest
import sdmx

from sources.errors import ChangedShape, Refused, Truncated, UnknownCode, WrongUnit
from sources.provider import Access, Window
from sources.providers import sdmx as sdmx_provider
from sources.providers.sdmx import SdmxQuery
from tests.support.http_providers.local import LocalProvider, Reply, html, quick_client

WINDOW = Window(date(2025, 1, 1), date(2025, 3, 1))
IMTS = {
    "agency": "IMF_DATA",
    "resource": "IMF.STA,IMTS",
    "key": "CHN.XG_FOB_USD+MG_CIF_USD..M",
    "currency": "USD",
    "scale": "SCALE",
    "dimensions": {"flow": "INDICATOR", "partner": "COUNTERPART_COUNTRY"},
    "constant": {"sector": "TOTAL"},
    "flows": {"XG_FOB_USD": "X", "MG_CIF_USD": "M"},
}
COMEXT = {
    "agency": "ESTAT_COMEXT",
    "resource": "DS-059341",
    "key": "M.DE.CN.85.2.VALUE_IN_EUROS",
    "currency": "EUR",
    "dimensions": {"flow": "flow", "partner": "partner", "sector": "product"},
    "scheme": "iso2",
    "flows": {"1": "M", "2": "X"},
}
OECD = {
    "agency": "OECD",
    "resource": "OECD.SDD.TPS,DSD_IMTS@DF_IMTS,1.0",
    "key": "CHN.W.X.M",
    "currency": "USD",
    "dimensions": {"flow": "TRADE_FLOW", "partner": "COUNTERPART_AREA"},
    "constant": {"sector": "TOTAL"},
    "partners": {"W": "WLD"},
}
MESSAGE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"


def header(structure: str) -> str:
    return (
        "<m:Header><m:ID>1</m:ID><m:Test>false</m:Test><m:Prepared>2025-05-01T00:00:00</m:Prepared>"
        f'<m:Sender id="IMF"/>{structure}</m:Header>'
    )


def values(**named: str) -> str:
    return "".join(f'<g:Value id="{name}" value="{value}"/>' for name, value in named.items())


def generic(
    *series: tuple[dict[str, str], dict[str, tuple[str, str]]], scale: str = "6", named: str = "SCALE"
) -> bytes:
    """A GenericData message: keys of series, and by period a value and a status."""
    structure = (
        '<m:Structure structureID="S" dimensionAtObservation="TIME_PERIOD"><c:Structure>'
        '<Ref id="DSD_IMTS" agencyID="IMF.STA" version="1.0"/></c:Structure></m:Structure>'
    )
    body = "".join(
        f"<g:Series><g:SeriesKey>{values(**key)}</g:SeriesKey><g:Attributes>{values(**{named: scale})}</g:Attributes>"
        + "".join(
            f'<g:Obs><g:ObsDimension value="{period}"/><g:ObsValue value="{value}"/>'
            f"<g:Attributes>{values(OBS_STATUS=status)}</g:Attributes></g:Obs>"
            for period, (value, status) in observations.items()
        )
        + "</g:Series>"
        for key, observations in series
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><m:GenericData xmlns:m="{MESSAGE}/message" '
        f'xmlns:g="{MESSAGE}/data/generic" xmlns:c="{MESSAGE}/common">{header(structure)}'
        f'<m:DataSet structureRef="S">{body}</m:DataSet></m:GenericData>'
    ).encode()


def structure_specific(rows: dict[str, tuple[str, str]], **key: str) -> bytes:
    """A StructureSpecificData message of one series, as Eurostat sends it."""
    urn = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=ESTAT:DS-059341(1.0)"
    structure = (
        f'<m:Structure structureID="S" namespace="{urn}" dimensionAtObservation="TIME_PERIOD"><c:Structure>'
        '<Ref id="DS-059341" agencyID="ESTAT" version="1.0"/></c:Structure></m:Structure>'
    )
    attributes = " ".join(f'{name}="{value}"' for name, value in key.items())
    body = "".join(
        f'<Obs TIME_PERIOD="{period}" OBS_VALUE="{value}"' + (f' OBS_STATUS="{status}"/>' if status else "/>")
        for period, (value, status) in rows.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><m:StructureSpecificData xmlns:m="{MESSAGE}/message" '
        f'xmlns:ss="{MESSAGE}/data/structurespecific" xmlns:c="{MESSAGE}/common" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:n="{urn}:ObsLevelDim:TIME_PERIOD">'
        f'{header(structure)}<m:DataSet ss:structureRef="S" ss:dataScope="DataStructure" xsi:type="n:DataSetType">'
        f"<Series {attributes}>{body}</Series></m:DataSet></m:StructureSpecificData>"
    ).encode()


def imts(partner: str, observations: dict[str, tuple[str, str]], indicator: str = "XG_FOB_USD") -> Any:
    key = {"COUNTRY": "CHN", "INDICATOR": indicator, "COUNTERPART_COUNTRY": partner, "FREQUENCY": "M"}
    return key, observations


QUARTER = {"2025-M01": ("100.5", "A"), "2025-M02": ("90", "P"), "2025-M03": ("110", "E")}
GOOD = generic(imts("USA", QUARTER), imts("G001", QUARTER), imts("USA", QUARTER, "MG_CIF_USD"))


def ask(provider: LocalProvider, query: dict[str, Any] | None = None, **changes: Any) -> pd.DataFrame:
    with quick_client() as client:
        given = SdmxQuery.model_validate({**(query or IMTS), **changes})
        figures = sdmx_provider.figures(given, client, Access(provider.address), WINDOW)
    assert figures.currency == given.currency
    return figures.frame


def test_the_imf_s_trade_by_partner(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(GOOD)
    frame = ask(provider)
    assert len(frame) == 9
    assert frame.iloc[0].to_dict() == {
        "month": "2025-01",
        "flow": "X",
        "partner": "USA",
        "sector": "TOTAL",
        "value": 100_500_000.0,
        "status": "A",
    }
    assert set(frame["partner"]) == {"USA", "WLD"}
    assert set(frame["flow"]) == {"X", "M"}
    (request,) = provider.requests
    assert request.path == "/data/IMF.STA,IMTS/CHN.XG_FOB_USD+MG_CIF_USD..M"
    assert request.params == {"startPeriod": "2025-01", "endPeriod": "2025-03"}
    assert "genericdata" in request.headers["accept"]


def test_the_status_of_a_value_is_carried_over(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(GOOD)
    assert ask(provider).groupby("month")["status"].unique().map(list).tolist() == [["A"], ["P"], ["I"]]


def test_eurostat_s_answer_has_another_form_and_other_codes(provider: LocalProvider) -> None:
    rows = {"2025-01": ("1234", ""), "2025-02": ("1300", "p")}
    key = {"freq": "M", "reporter": "DE", "partner": "CN", "product": "85", "flow": "2", "indicators": "VALUE_IN_EUROS"}
    provider.answer = lambda _: Reply(structure_specific(rows, **key))
    frame = ask(provider, COMEXT)
    assert frame[["month", "flow", "partner", "sector", "value", "status"]].to_numpy().tolist() == [
        ["2025-01", "X", "CHN", "85", 1234.0, "A"],
        ["2025-02", "X", "CHN", "85", 1300.0, "P"],
    ]


def test_the_oecd_s_flow_has_an_at_sign_and_a_multiple_of_its_own(provider: LocalProvider) -> None:
    key = {"REF_AREA": "CHN", "COUNTERPART_AREA": "W", "TRADE_FLOW": "X", "FREQ": "M"}
    provider.answer = lambda _: Reply(generic((key, {"2025-01": ("324.1", "A")}), scale="9", named="UNIT_MULT"))
    frame = ask(provider, OECD)
    assert frame.iloc[0].to_dict() == {
        **{"month": "2025-01", "flow": "X", "partner": "WLD", "sector": "TOTAL"},
        **{"value": 324.1e9, "status": "A"},
    }
    (request,) = provider.requests
    assert request.path == "/data/OECD.SDD.TPS,DSD_IMTS@DF_IMTS,1.0/CHN.W.X.M"
    assert sdmx.get_source("OECD").url.startswith("https://sdmx.oecd.org/public/rest")


def test_a_missing_value_is_no_observation(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(generic(imts("USA", QUARTER | {"2025-M02": ("NaN", "M")})))
    assert ask(provider)["month"].tolist() == ["2025-01", "2025-03"]


def test_nothing_found_is_no_figures_and_no_fault_here(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(status=404)
    assert ask(provider).empty
    provider.answer = lambda _: Reply(generic())
    assert ask(provider).empty


def test_an_agency_is_one_that_is_known_or_has_an_address(provider: LocalProvider) -> None:
    with pytest.raises(ValueError, match=r"agency is one of .*ESTAT_COMEXT"):
        SdmxQuery.model_validate({**IMTS, "agency": "NOBODY"})
    provider.answer = lambda _: Reply(GOOD)
    with quick_client() as client:
        query = SdmxQuery.model_validate({**IMTS, "agency": None, "address": provider.address})
        assert len(sdmx_provider.figures(query, client, Access(""), WINDOW).frame) == 9


@pytest.mark.parametrize("constant", [{}, {"sector": "TOTAL", "partner": "WLD"}])
def test_a_feed_says_what_each_dimension_is(constant: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="say flow, partner and sector once each"):
        SdmxQuery.model_validate({**IMTS, "constant": constant})


ERROR = (
    f'<m:Error xmlns:m="{MESSAGE}/message" xmlns:c="{MESSAGE}/common"><m:ErrorMessage code="140">'
    "<c:Text>Invalid key</c:Text></m:ErrorMessage></m:Error>"
).encode()


@pytest.mark.parametrize(
    ("reply", "changes", "error", "message"),
    [
        (html("Maintenance"), {}, ChangedShape, "expected an SDMX data message, found (no XML|<html>).*Maintenance"),
        (Reply(b'{"data": {}}'), {}, ChangedShape, r"found no XML .*\{\"data\""),
        (Reply(ERROR), {}, ChangedShape, "found <Error>: Invalid key"),
        (Reply(GOOD[:900]), {}, ChangedShape, "found no XML"),
        (Reply(GOOD[:900], cut=100), {}, Truncated, "cut short"),
        (Reply(GOOD.replace(b"g:Series>", b"g:Serie>")), {}, ChangedShape, "expected an SDMX data message"),
        (Reply(GOOD.replace(b"COUNTERPART_COUNTRY", b"PARTNER")), {}, ChangedShape, "expected COUNTERPART_COUNTRY"),
        (Reply(GOOD.replace(b"2025-M01", b"2025-Q1")), {}, ChangedShape, "expected months as .*, found '2025-Q1'"),
        (Reply(GOOD.replace(b'"USA"', b'"ZZZ"')), {}, UnknownCode, "unknown partner .iso3. 'ZZZ'"),
        (Reply(GOOD.replace(b"XG_FOB_USD", b"XG_FOB_XDC")), {}, UnknownCode, "unknown flow 'XG_FOB_XDC'"),
        (Reply(GOOD.replace(b'value="P"', b'value="?"')), {}, UnknownCode, r"unknown OBS_STATUS '\?'"),
        (Reply(GOOD), {"expect": {"SCALE": "3"}}, WrongUnit, "should be in SCALE 3 and are in 6"),
        (Reply(GOOD), {"expect": {"UNIT": "USD"}}, ChangedShape, "expected UNIT, found the dimensions"),
        (Reply(status=500), {}, Refused, "answered 500"),
        (Reply(status=413, body=b"too many series"), {}, Refused, "answered 413"),
        (Reply(status=429, headers={"Retry-After": "9999"}), {}, Refused, "retry after 9999 s"),
    ],
)
def test_whatever_else_comes_is_named(
    provider: LocalProvider, reply: Reply, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    provider.answer = lambda _: reply
    with pytest.raises(error, match=message):
        ask(provider, **changes)
