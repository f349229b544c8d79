from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.client import ProviderResponse
from sources.errors import ChangedShape, Refused, Truncated, UnknownCode
from sources.partner_codes import partners
from sources.provider import Access, Window
from sources.providers.gacc import provider as gacc
from sources.providers.gacc.pages import Kind, Release, read_release
from sources.providers.gacc.provider import GaccQuery
from tests.conftest import SHARED_DATA
from tests.support.http_providers.gacc import GaccSite, as_combined, commodity_page, country_page
from tests.support.http_providers.local import LocalProvider, Reply, html, quick_client

PAGES = SHARED_DATA / "gacc_pages"
COUNTRIES = "(4) China's Total Export & Import Values by Country/Region (in CNY)"
EXPORTS = "(5) China's Major Exports by Quantity and Value (in USD)"
IMPORTS = "(6) China's Major Imports by Quantity and Value (in USD)"
TRADE = {"Total": (300.0, 200.0), "European Union": (60.0, 50.0), "of which: Germany": (20.0, 15.5)}
GOODS = {"Steel products": ("10,000 Tons", "1,046.0", 6789.5), "Agricultural products*": ("—", "-", 8838.9)}
WINDOW = Window(date(2025, 12, 1), date(2026, 3, 1))


def site() -> GaccSite:
    pages = {(COUNTRIES, 2026, 3): country_page(3, TRADE), (COUNTRIES, 2026, 2): jan_feb()}
    return GaccSite(pages | {(COUNTRIES, 2025, 12): country_page(12, TRADE, year=2025, date="2026/01/14")})


def jan_feb() -> bytes:
    return as_combined(country_page(2, TRADE, date="2026/03/10"))


def ask(provider: LocalProvider, window: Window = WINDOW, known: Any = None, **query: Any) -> pd.DataFrame:
    with quick_client(known=known) as client:
        given = GaccQuery.model_validate({"table": "country", "currency": "CNY", **query})
        figures = gacc.figures(given, client, Access(provider.address), window)
    assert figures.currency == given.currency
    return figures.frame


def test_releases_are_found_through_the_lists_of_their_years(provider: LocalProvider) -> None:
    provider.answer = site()
    frame = ask(provider)
    assert sorted(set(frame["month"])) == ["2025-12", "2026-02", "2026-03"]
    march = frame[frame["month"] == "2026-03"].set_index(["flow", "partner"])["value"]
    assert march.to_dict() == {
        ("X", "WLD"): 30_000_000_000.0,
        ("X", "DEU"): 2_000_000_000.0,
        ("M", "WLD"): 20_000_000_000.0,
        ("M", "DEU"): 1_550_000_000.0,
    }


def test_january_and_february_are_one_figure(provider: LocalProvider) -> None:
    provider.answer = site()
    frame = ask(provider)
    february = frame[frame["month"] == "2026-02"]
    assert set(february["months"]) == {2}
    assert february["value"].max() == 300_000_000_000.0
    assert set(frame.loc[frame["month"] != "2026-02", "months"]) == {1}


def test_a_figure_is_known_from_the_day_its_page_was_published(provider: LocalProvider) -> None:
    provider.answer = site()
    days = ask(provider).groupby("month")["vintage"].unique().map(list).to_dict()
    assert days == {"2025-12": ["2026-01-14"], "2026-02": ["2026-03-10"], "2026-03": ["2026-04-08"]}


def test_groups_come_only_if_asked_for(provider: LocalProvider) -> None:
    provider.answer = site()
    assert sorted(set(ask(provider)["partner"])) == ["DEU", "WLD"]
    assert sorted(set(ask(provider, groups=True)["partner"])) == ["DEU", "EU27", "WLD"]
    assert set(ask(provider, partners=["DEU"])["partner"]) == {"DEU"}
    assert set(ask(provider, flows=["M"])["flow"]) == {"M"}


def test_a_page_that_has_not_changed_is_not_sent_again(provider: LocalProvider) -> None:
    provider.answer = site()
    with quick_client() as client:
        gacc.figures(GaccQuery(table="country", currency="CNY"), client, Access(provider.address), WINDOW)
    assert ask(provider, known=client.seen).empty


def test_a_year_without_a_list_yet_has_no_releases(provider: LocalProvider) -> None:
    provider.answer = site()
    assert ask(provider, Window(date(2027, 1, 1), date(2027, 1, 1))).empty


def test_goods_are_named_by_their_rows(provider: LocalProvider) -> None:
    provider.answer = GaccSite(
        {
            (EXPORTS, 2026, 5): commodity_page(GOODS),
            (IMPORTS, 2026, 5): commodity_page(
                {"Soybean": ("10,000 Tons", "1,000.0", 5000.0)},
                title="(6) China's Major Imports by Quantity and Value, May 2026 (in USD)",
            ),
        }
    )
    sectors = {"Steel products": "STEEL", "Agricultural products*": "AGRI", "Agriculture products*": "AGRI"}
    frame = ask(
        provider,
        Window(date(2026, 5, 1), date(2026, 5, 1)),
        table="commodity",
        currency="USD",
        sectors=sectors | {"Soybean": "SOY"},
    )
    assert frame.set_index(["flow", "partner", "sector"])["value"].to_dict() == {
        ("X", "WLD", "STEEL"): 6_789_500_000.0,
        ("X", "WLD", "AGRI"): 8_838_900_000.0,
        ("M", "WLD", "SOY"): 5_000_000_000.0,
    }


def read(body: bytes, kind: Kind) -> Release:
    return read_release(ProviderResponse("the page", body), kind=kind)


@pytest.mark.parametrize(
    "page",
    [
        commodity_page(GOODS),
        commodity_page(GOODS, without_units=True),
        commodity_page(
            GOODS,
            title="(5) China's Major Exports by Quantity and Value, May 2026 (in CNY)",
            unit="Value Unit: CNY 100 Million",
            headings=("May", "Jan-May in Total", "Jan-May 2025 in Total", "Jan-May Total Year-on-Year ±%"),
            date="06/10/2026",
        ),
        commodity_page(
            GOODS,
            title="(5) China's Major Exports by Quantity and Value, January-February 2026 (in CNY)",
            unit="Unit: CNY 100 Million",
            headings=("1-2 Total", "1-2 Total, 2025", "1-2 Total, Year-On-Year(%)", ""),
        ),
    ],
    ids=["now", "without units of quantity", "named months", "January and February"],
)
def test_every_layout_of_goods_says_the_same(page: bytes) -> None:
    release = read(page, "exports")
    assert release.published == date(2026, 6, 10)
    assert release.rows.set_index("name")["value"].to_dict() == {
        "Steel products": 6789.5,
        "Agricultural products*": 8838.9,
    }
    assert (release.month, release.months) in {("2026-05", 1), ("2026-02", 2)}


@pytest.mark.parametrize(
    ("unit", "currency", "multiple"),
    [
        ("Unit: CNY 100 Million", "CNY", 10**8),
        ("Unit: USD1 Million", "USD", 10**6),
        ("Value Unit: RMB 100 million", "CNY", 10**8),
        ("Unit: USD 1,000 Million", "USD", 10**9),
    ],
)
def test_the_unit_is_the_page_s_own(unit: str, currency: str, multiple: int) -> None:
    release = read(country_page(3, TRADE, unit=unit), "country")
    assert (release.currency, release.multiple) == (currency, multiple)


MARCH = country_page(3, TRADE)


def changed(old: str, new: str, page: bytes = MARCH) -> Reply:
    assert old.encode() in page
    return Reply(page.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (html("404"), ChangedShape, "expected a title with a month"),
        (changed("<title>(4)", "<title>Notice</title><x>"), ChangedShape, "a title with a month, found 'Notice'"),
        (changed("Mar 2026", "Apr 2026"), ChangedShape, "expected a column|expected columns of exports"),
        (Reply(country_page(4, TRADE)), ChangedShape, "expected 2026-03 in CNY, found 2026-04 in CNY"),
        (Reply(country_page(3, TRADE, currency="USD")), ChangedShape, "2026-03 in CNY, found 2026-03 in USD"),
        (changed("Unit: CNY 100 Million", "In hundreds"), ChangedShape, "expected a unit, such as"),
        (changed("Import Source", "Origin"), ChangedShape, "expected a row of headings"),
        (
            changed(">Export&nbsp;", ">Exports&nbsp;"),
            ChangedShape,
            "columns of exports and imports in month 3",
        ),
        (changed("300.0&nbsp;", "n.a.&nbsp;"), ChangedShape, "expected a number, found 'n.a.'"),
        (changed("2026/04/08", "soon"), ChangedShape, "expected the day of publication, found 'soon'"),
        (changed("of which: Germany", "of which: Atlantis"), UnknownCode, "unknown partner .name. 'Atlantis'"),
        (changed("Total&nbsp;", "European Union&nbsp;"), ChangedShape, "expected a row of WLD"),
        (Reply(MARCH[: len(MARCH) // 2], cut=len(MARCH) // 2), Truncated, "cut short"),
        (Reply(status=500), Refused, "answered 500"),
        (Reply(status=429, headers={"Retry-After": "9999"}), Refused, "retry after 9999 s"),
    ],
)
def test_a_page_that_reads_otherwise_is_named(
    provider: LocalProvider, reply: Reply, error: type[Exception], message: str
) -> None:
    pages = site()
    path = pages.address(COUNTRIES, 2026, 3)
    provider.answer = lambda request: reply if request.path == path else pages(request)
    with pytest.raises(error, match=message):
        ask(provider)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("location.replace", "location.assign", "expected the address of the list of 2025"),
        (" Mar.</a>", " III.</a>", "expected a month, found 'III'"),
        ("by Country/Region", "by Region", "expected a row by Country/Region"),
    ],
)
def test_a_list_that_reads_otherwise_is_named(provider: LocalProvider, old: str, new: str, message: str) -> None:
    pages = site()
    provider.answer = lambda request: (
        Reply(pages.index(2026).replace(old.encode(), new.encode()))
        if request.path == pages.path(2026)
        else pages(request)
    )
    with pytest.raises(ChangedShape, match=message):
        ask(provider)


@pytest.mark.parametrize("span", ["0", "two", "-3", "9999999999"])
def test_an_odd_span_of_a_cell_is_read_as_browsers_do_and_takes_no_memory(span: str) -> None:
    page = commodity_page(GOODS)
    spanned = page.replace(b"<td><span><b>Steel", f'<td colspan="{span}" rowspan="{span}"><span><b>Steel'.encode())
    assert spanned != page
    if span == "9999999999":
        with pytest.raises(ChangedShape):
            read(spanned, "exports")
    else:
        assert read(spanned, "exports").rows.equals(read(page, "exports").rows)


def test_a_row_of_goods_out_of_place_is_named() -> None:
    page = commodity_page(GOODS).replace(b"<td><span><b>10,000 Tons&nbsp;</b></span></td>", b"")
    with pytest.raises(ChangedShape, match=r"expected a unit of quantity, found 1,046.0 in the row 'Steel products'"):
        read(page, "exports")


def shared(name: str) -> bytes:
    path: Path = PAGES / name
    if not path.exists():
        pytest.skip("the pages of China Customs are not beside the repository")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "period"), [("mar2026", "2026-03"), ("janfeb2025", "2025-01..2025-02")], ids=["March 2026", "Jan-Feb 2025"]
)
def test_real_pages_say_what_they_were_read_to_say(name: str, period: str) -> None:
    release = read(shared(f"release_section4_by_country_{name}_cny.html"), "country")
    assert (release.currency, release.multiple, release.month) == ("CNY", 10**8, period[-7:])
    assert release.months == (2 if ".." in period else 1)
    expected = pd.read_csv(PAGES / "expected.csv").query("period == @period")
    printed = release.rows.assign(partner=partners(release.rows["name"], "name", where=name))
    printed = printed.pivot(index="partner", columns="flow", values="value")
    wanted = expected.set_index("partner_code")[["exports_cny_100m", "imports_cny_100m"]]
    assert len(wanted) == 30
    assert printed.loc[wanted.index, ["X", "M"]].to_numpy().tolist() == wanted.to_numpy().tolist()
    assert set(printed.index) == set(wanted.index)


def test_a_real_page_of_2018_is_a_picture() -> None:
    with pytest.raises(ChangedShape, match=r"expected a table, found a picture \(.*4-RMB.png\)"):
        read(shared("release_section4_by_country_jan2018_cny.html"), "country")


def test_the_real_list_of_2026_leads_to_the_real_page(provider: LocalProvider) -> None:
    index = shared("seed_2026.html")
    march = "/Statics/2e61c8a1-17b2-4074-b909-c039ccf8c8fb.html"
    bodies = {gacc.INDEX: index, march: shared("release_section4_by_country_mar2026_cny.html")}
    provider.answer = lambda request: Reply(bodies[request.path]) if request.path in bodies else Reply(status=404)
    frame = ask(provider, Window(date(2026, 3, 1), date(2026, 3, 1)))
    # 30 rows without ASEAN, the EU, Latin America, Africa, RCEP and the countries of Belt and Road.
    assert len(frame) == 2 * (30 - 6)
    assert frame.set_index(["flow", "partner"]).loc[("X", "USA"), "value"] == 204_500_000_000.0


def test_a_name_that_is_new_can_be_reported_in_the_feed(provider: LocalProvider) -> None:
    renamed = {("The Netherlands" if "Germany" in name else name): values for name, values in TRADE.items()}
    provider.answer = GaccSite({(COUNTRIES, 2026, 3): country_page(3, renamed)})
    march = Window(date(2026, 3, 1), date(2026, 3, 1))
    assert set(ask(provider, march, codes={"The Netherlands": "NLD"})["partner"]) == {"WLD", "NLD"}
    assert set(ask(provider, march, codes={"The Netherlands": ""})["partner"]) == {"WLD"}
