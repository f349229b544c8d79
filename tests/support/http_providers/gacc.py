"""The release pages of China Customs, and the lists that lead to them, in the forms they have had."""

from dataclasses import dataclass, field

from tests.support.http_providers.local import ReceivedRequest, Reply

YEAR_SCRIPT = """if ($("#preliminarysel").val() == "{year}") {{
    location.replace("http://english.customs.gov.cn{path}")
}}"""
NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def page(title: str, unit: str, rows: list[str], *, date: str = "2026/04/08") -> bytes:
    """A page as the site makes them; `rows` are written as HTML."""
    width = 10
    table = "".join(
        [
            f'<tr><td colspan="{width}"><span><b>{title.replace("&", "&amp;")}</b></span></td></tr>',
            f'<tr><td colspan="{width}" align="right"><span><b>{unit}</b></span></td></tr>',
            *rows,
            f'<tr><td colspan="{width}"><span>Note:<br />1. ASEAN includes: Brunei, Myanmar</span></td></tr>',
        ]
    )
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body>"
        f'<div class="atcl-ttl">{title}</div><div class="atcl-date">{date}</div>'
        f'<div class="atcl-cnt"><table><tbody>{table}</tbody></table></div></body></html>'
    ).encode()


def cells(*texts: str) -> str:
    return "<tr>" + "".join(f"<td><span><b>{text}&nbsp;</b></span></td>" for text in texts) + "</tr>"


def country_page(
    month: int, values: dict[str, tuple[float, float]], *, year: int = 2026, currency: str = "CNY", **given: str
) -> bytes:
    """By country: exports and imports of the month, and of the year so far (ten times as much)."""
    unit = given.pop("unit", "Unit: CNY 100 Million" if currency == "CNY" else "Unit: USD1 Million")
    title = f"(4) China's Total Export & Import Values by Country/Region, {NAMES[month - 1]} {year} (in {currency})"
    flows = ["Export &amp; Import"] * 2 + ["Export"] * 2 + ["Import"] * 2
    top = cells("Import Source", *flows) + '<td colspan="3">1-to-3 Total Year-on-Year</td></tr>'
    rows = [
        top.replace("</tr><td", "<td"),
        cells("Export Destination", *[str(month), f"1- to-{month}"] * 3, "Export &amp; Import", "Export", "Import"),
    ]
    for name, (exports, imports) in values.items():
        numbers = [both for row in (exports + imports, exports, imports) for both in (row, 10 * row)]
        rows.append(cells(f"&nbsp;&nbsp;{name}", *[f"{number:,.1f}" for number in numbers], "1.0", "2.0", "-3.0"))
    return page(given.pop("title", title), unit, rows, **given)


def as_combined(february: bytes) -> bytes:
    """A page of February as that of January and February together: the year so far is all it has."""
    body = february.decode().replace("Feb 2026", "January-February 2026")
    return body.replace("<b>2&nbsp;", "<b>x&nbsp;").replace("1- to-2", "1-to-2").encode()


def commodity_page(
    values: dict[str, tuple[str, str, float]],
    *,
    title: str = "(5) China's Major Exports by Quantity and Value, May 2026 (in USD)",
    unit: str = "Unit: USD1 Million",
    headings: tuple[str, str, str, str] = ("5", "1-5 Total", "1-5 Total,2025", "1-5 Total, Year-On-Year(%)"),
    without_units: bool = False,
    date: str = "2026/06/10",
) -> bytes:
    """By commodity: unit of quantity, quantity and value of the month."""
    spans = "".join(f'<td colspan="2">{heading}</td>' for heading in headings)
    heading = f'<tr><td rowspan="2">Commodity</td><td rowspan="2">Quantity Unit</td>{spans}</tr>'
    rows = [heading, cells(*["Quantity", "Value"] * 4)]
    for name, (quantity_unit, quantity, value) in values.items():
        values_shown = [f"{times * value:,.1f}" for times in (1, 5, 4)]
        numbers = [text for shown in values_shown for text in (quantity, shown)] + ["1.0", "2.0"]
        shown = numbers[: 2 * len(headings)]
        rows.append(cells(name, *shown, "") if without_units else cells(name, quantity_unit, *shown))
    return page(title, unit, rows, date=date)


@dataclass
class GaccSite:
    """Pages by (row of the list, year, month); the newest year's list is at preliminary.html."""

    pages: dict[tuple[str, int, int], bytes]
    years: tuple[int, ...] = (2026, 2025)
    tags: dict[str, str] = field(default_factory=dict)

    def path(self, year: int) -> str:
        return f"/statics/report/preliminary{'' if year == self.years[0] else year}.html"

    def __call__(self, request: ReceivedRequest) -> Reply:
        for year in self.years:
            if request.path == self.path(year):
                return Reply(self.index(year))
        for (title, year, month), body in self.pages.items():
            if request.path == self.address(title, year, month):
                tag = f'"{hash(body)}"'
                if request.headers.get("if-none-match") == tag:
                    return Reply(status=304)
                return Reply(body, headers={"ETag": tag})
        return Reply(status=404)

    def address(self, title: str, year: int, month: int) -> str:
        return f"/Statics/{title[1]}{title[-4:-1].lower()}-{year}-{month}.html"

    def index(self, year: int) -> bytes:
        rows = ""
        for title in dict.fromkeys(title for title, *_ in self.pages):
            months = "".join(
                f"<a href=http://english.customs.gov.cn{self.address(title, year, number)}> {name}.</a>"
                if (title, year, number) in self.pages
                else f"<span>{name}.</span>"
                for number, name in enumerate(NAMES, start=1)
            )
            rows += f"<tr><td>{title.replace('&', '&amp;')}</td><td>{months}</td></tr>"
        script = "".join(YEAR_SCRIPT.format(year=year, path=self.path(year)) for year in self.years)
        return f"<html><body><table><tbody>{rows}</tbody></table><script>{script}</script></body></html>".encode()
