"""The report on a run: one self-contained document in three formats, over HTTP and from the command line."""

import base64
import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pandas as pd
import pptx
import pypdf
import pytest
from fastapi.testclient import TestClient
from pptx.shapes.picture import Picture
from sqlmodel import Session

from presentation import formatting
from presentation.sections.headline import headline
from services.runs.published_run import open_run
from services.series.catalog_cache import CatalogCache
from store.queries import events
from tests.integration.api.conftest import client_of
from tests.support.command import run_command
from tests.support.documents import ROOT
from tests.support.pages_world import PagesWorld, pages_world

EVENT: dict[str, list[Any]] = {
    "id": ["PORTS_CLOSED"],
    "kind": ["closure"],
    "title": ["Every port is closed"],
    "measure": ["PORTS"],
    "until": [None],
    "until_known_on": [None],
    "authority": ["Ministry"],
    "reporter": ["CHN"],
    "flow": ["*"],
    "partners": [[]],
    "sectors": [[]],
    "share": [None],
    "rate_before": [None],
    "rate_after": [None],
    "source": ["a test"],
    "note": [""],
}


@pytest.fixture(scope="module")
def pages(server_url: str, template: str) -> Iterator[PagesWorld]:
    with pages_world(server_url, template, "pages_report") as world:
        yield world


@pytest.fixture(scope="module")
def client(pages: PagesWorld) -> Iterator[TestClient]:
    with client_of(pages) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture(scope="module")
def html(client: TestClient, pages: PagesWorld) -> str:
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/report.html")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_the_document_is_self_contained(html: str) -> None:
    assert re.findall(r"<(?:script|link|iframe)", html) == []
    sources = re.findall(r"src=\"([^\"]*)\"", html)
    assert len(sources) >= 6
    assert {source.split(",")[0] for source in sources} == {"data:image/svg+xml;base64"}
    assert all(base64.b64decode(source.split(",")[1]).startswith(b"<svg") for source in sources)


def test_every_figure_has_a_text_alternative(html: str) -> None:
    assert len(re.findall(r"<img alt=\"Chart: [^\"]+\"", html)) == html.count("<img")


def test_it_holds_every_series_and_how_to_cite_it(html: str, client: TestClient, pages: PagesWorld) -> None:
    assert [name for name in pages.clean.unique_ids if name not in html] == []
    for chapter in ("Summary", "Forecasts", "Method", "Forecast accuracy", "Appendix", "Source and citation"):
        assert chapter in html
    query = {"flow": "X", "partner": "WLD", "sector": "TOTAL", "frequency": "A", "level": 80}
    (year,) = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params=query).json()["series"][0]["months"]
    assert formatting.money(year["median"], "USD m") in html


def test_the_security_policy_allows_the_style_by_hash(client: TestClient, pages: PagesWorld) -> None:
    policy = client.get(f"/v1/runs/{pages.clean.run_id}/report.html").headers["content-security-policy"]
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]{44}'", policy)
    assert "unsafe" not in policy


def test_a_document_is_the_same_until_an_event_changes(client: TestClient, pages: PagesWorld) -> None:
    """Charts and risks show events; the overview shows the chart of the headline."""
    addresses = [f"/v1/runs/{pages.trade.run_id}/{name}.html" for name in ("report", "memo")]
    before = [client.get(address) for address in addresses]
    for answer in before:
        assert answer.headers["cache-control"] == "public, no-cache"
        again = client.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    known = {"announced": [pd.Timestamp("2026-01-05")], "effective": [pd.Timestamp("2026-03-01")]}
    with Session(pages.engine) as session:
        events.put(session, pd.DataFrame(EVENT | known))
        session.commit()
    for address, earlier in zip(addresses, before, strict=True):
        answer = client.get(address, headers={"If-None-Match": earlier.headers["etag"]})
        assert (answer.status_code, answer.headers["etag"] == earlier.headers["etag"]) == (200, False)
        assert EVENT["title"][0] in answer.text
        assert EVENT["title"][0] not in earlier.text
    assert EVENT["title"][0] in client.get("/").text
    with Session(pages.engine) as session:
        events.remove(session, EVENT["id"][0])
        session.commit()
    assert client.get(addresses[1]).text == before[1].text


def test_the_pdf_is_a_pdf(client: TestClient, pages: PagesWorld) -> None:
    answer = client.get(f"/v1/runs/{pages.trade.run_id}/report.pdf")
    if answer.status_code == 501:
        pytest.skip("no Pango here (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-type"] == "application/pdf"


def test_the_workbook_has_one_sheet_for_each_section(client: TestClient, pages: PagesWorld) -> None:
    content = client.get(f"/v1/runs/{pages.clean.run_id}/report.xlsx").content
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames[:2] == ["About", "Summary"]
    assert "Every series" in book.sheetnames
    sheet = book["Every series"]
    assert sheet.freeze_panes == "B2"
    assert sheet.max_row == 1 + len(pages.clean.unique_ids)
    assert "(USD m)" in str(sheet["C1"].value)
    assert isinstance(sheet["C2"].value, float)


def test_a_run_that_is_not_published_has_no_report(client: TestClient, pages: PagesWorld) -> None:
    assert client.get(f"/v1/runs/{pages.queued}/report.html").status_code == 409
    assert client.get("/v1/runs/999/report.pdf").status_code == 404
    assert client.get(f"/v1/runs/{pages.trade.run_id}/report.docx").status_code == 422


def test_the_command_line_writes_the_same_document(pages: PagesWorld, html: str, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    url = pages.engine.url.render_as_string(hide_password=False)
    ran = run_command(["report", "CN_CLEANTECH", "--output", str(output)], {"TRADEWIND_DATABASE_URL": url}, ROOT)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"CN_CLEANTECH: report on run {pages.clean.run_id}: {output}"
    assert output.read_text(encoding="utf-8") == html


def memo(client: TestClient, run: int, form: str) -> bytes:
    answer = client.get(f"/v1/runs/{run}/memo.{form}")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def test_the_memo_has_the_figures_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    html = memo(client, pages.clean.run_id, "html").decode()
    query = {"flow": "X", "partner": "WLD", "sector": "TOTAL", "frequency": "A", "level": "80"}
    (year,) = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params=query).json()["series"][0]["months"]
    assert formatting.money(year["median"], "USD m") in html
    assert formatting.money(year["intervals"][0]["lo"], "USD m") in html
    for heading in ("Drivers of growth", "Changes since the previous run", "Risks", "Accuracy", "Cite as"):
        assert heading in html


def test_the_headline_leads_with_the_month_of_the_run(pages: PagesWorld) -> None:
    with Session(pages.engine) as session:
        published = open_run(session, CatalogCache(), "CN_TRADE", pages.trade.run_id)
        late = replace(published, run=published.run._replace(as_of=date(2026, 3, 20)))
        assert [headline(run)["lead"]["month"].span.label for run in (published, late)] == ["2026-01", "2026-03"]


def test_the_drivers_of_the_memo_are_contributions_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    html = memo(client, pages.clean.run_id, "html").decode()
    query = {"flow": "X", "sector": "TOTAL", "period": "2026", "units": "contribution", "level": "80"}
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params=query).json()["series"]
    found = {row["partner_name"]: row["months"][0]["median"] for row in answer if row["partner"] != "WLD"}
    largest = max(found, key=lambda name: abs(found[name]))
    assert f"{largest}: {formatting.points(found[largest])} of the growth of exports in 2026." in html


def test_the_memo_as_docx_has_the_same_text(client: TestClient, pages: PagesWorld) -> None:
    content = memo(client, pages.clean.run_id, "docx")
    document = docx.Document(io.BytesIO(content))
    texts = [paragraph.text for paragraph in document.paragraphs if paragraph.text]
    html = memo(client, pages.clean.run_id, "html").decode()
    plain = unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", html, flags=re.DOTALL))
    assert [text for text in texts if text not in plain] == []
    assert len(document.inline_shapes) == 1


def spaced(text: str) -> str:
    """Text without line breaks and with plain spaces."""
    return re.sub(r"\s+", " ", text.replace(formatting.NBSP, " "))


def pdf_text(content: bytes) -> str:
    return spaced(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages))


def docx_text(content: bytes) -> str:
    return spaced(" ".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs))


def pptx_text(content: bytes) -> str:
    slides = pptx.Presentation(io.BytesIO(content)).slides
    return spaced(" ".join(shape.text_frame.text for slide in slides for shape in slide.shapes if shape.has_text_frame))


TEXTS = {"pdf": pdf_text, "docx": docx_text, "pptx": pptx_text}


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("dataset", ["trade", "clean"])
def test_the_memo_has_the_numbers_of_the_api_in_every_format(
    client: TestClient, pages: PagesWorld, form: str, dataset: str
) -> None:
    run = getattr(pages, dataset).run_id
    answer = client.get(f"/v1/runs/{run}/memo.{form}")
    if answer.status_code == 501:
        pytest.skip("no Pango here (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)")
    shown = TEXTS[form](answer.content)
    flows = "XMB" if dataset == "trade" else "X"
    for flow, frequency in product(flows, "MA"):
        query = {"flow": flow, "partner": "WLD", "sector": "TOTAL", "frequency": frequency, "level": 80}
        found = client.get(f"/v1/runs/{run}/forecasts", params=query).json()
        (first, *_) = found["series"][0]["months"]
        bounds = first["intervals"][0]
        money = [
            formatting.money(value, found["unit"]).replace(formatting.NBSP, " ")
            for value in (first["median"], bounds["lo"], bounds["hi"])
        ]
        assert f"{money[0]}" in shown
        assert f"80 % interval {money[1]} to {money[2]}" in shown


def test_the_chart_of_the_slides_has_the_numbers_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    slides = pptx.Presentation(io.BytesIO(memo(client, pages.clean.run_id, "pptx"))).slides
    (chart,) = [shape.chart for slide in slides for shape in slide.shapes if shape.has_chart]
    lines = {line.name: list(line.values) for line in chart.plots[0].series}
    query = {"flow": "X", "partner": "WLD", "sector": "TOTAL", "level": 80}
    months = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params=query).json()["series"][0]["months"]
    assert lines["Forecast"][-len(months) :] == pytest.approx([month["median"] for month in months])
    assert lines["80 % from"][-len(months) :] == pytest.approx([month["intervals"][0]["lo"] for month in months])
    assert list(chart.plots[0].categories)[-1] == formatting.month_name(months[-1]["month"])
    names = [name for slide in slides for shape in slide.shapes if (name := shape.name)]
    assert len(list(slides)) == 2, names


def test_the_memo_is_one_page_and_the_report_its_appendix(client: TestClient, pages: PagesWorld) -> None:
    answer = client.get(f"/v1/runs/{pages.trade.run_id}/memo.pdf")
    if answer.status_code == 501:
        pytest.skip("no Pango here (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)")
    assert len(pypdf.PdfReader(io.BytesIO(answer.content)).pages) == 1
    html = client.get(f"/v1/runs/{pages.trade.run_id}/memo.html", params={"appendix": True}).text
    report = client.get(f"/v1/runs/{pages.trade.run_id}/report.html").text
    body = report[report.index("<h1>") : report.index("</body>")].strip()
    assert body in html
    assert "Forecast memo" in html


def docx_tables(content: bytes) -> list[list[list[str]]]:
    tables = docx.Document(io.BytesIO(content)).tables
    return [[[spaced(cell.text) for cell in row.cells] for row in table.rows] for table in tables]


def pptx_tables(content: bytes) -> list[list[list[str]]]:
    slides = pptx.Presentation(io.BytesIO(content)).slides
    tables = [shape.table for slide in slides for shape in slide.shapes if shape.has_table]
    return [[[spaced(cell.text_frame.text) for cell in row.cells] for row in table.rows] for table in tables]


def pictures(form: str, content: bytes) -> int:
    if form == "docx":
        return len(docx.Document(io.BytesIO(content)).inline_shapes)
    slides = pptx.Presentation(io.BytesIO(content)).slides
    return sum(isinstance(shape, Picture) for slide in slides for shape in slide.shapes)


TABLES = {"docx": docx_tables, "pptx": pptx_tables}


@pytest.mark.parametrize("form", TABLES)
def test_the_appendix_of_documents_and_slides_has_the_charts_and_tables_of_the_report(
    client: TestClient, pages: PagesWorld, html: str, form: str
) -> None:
    address = f"/v1/runs/{pages.clean.run_id}/memo.{form}"
    content = client.get(address, params={"appendix": True}).content
    # The chart of the memo is a picture in the document; on the slide it can be edited.
    assert pictures(form, content) == html.count("<img") + (form == "docx")
    tables = TABLES[form](content)
    accuracy = [table for table in tables if "unique_id" in table[0]]
    shown = {row[1]: row[2:5] for table in accuracy for row in table[1:]}
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params={"level": 80, "limit": 1000}).json()
    for series in answer["series"]:
        month = series["months"][0]
        values = (month["median"], month["intervals"][0]["lo"], month["intervals"][0]["hi"])
        assert shown.pop(series["unique_id"]) == [spaced(formatting.money(value, "USD m")) for value in values]
    assert shown == {}
    assert TABLES[form](client.get(address).content) == []


def test_the_memo_as_pdf_takes_less_than_five_seconds(client: TestClient, pages: PagesWorld) -> None:
    begun = time.process_time()
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/memo.pdf", params={"appendix": False})
    if answer.status_code == 501:
        pytest.skip("no Pango here (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)")
    # Processor time: other processes of the machine do not count.
    assert time.process_time() - begun < 5


def test_the_workbook_has_the_numbers_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    content = client.get(f"/v1/runs/{pages.clean.run_id}/report.xlsx").content
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Every series"]
    headings = [cell.value for cell in sheet[1]]
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params={"level": 80, "limit": 1000}).json()
    months = {series["unique_id"]: series["months"][0] for series in answer["series"]}
    shown = {row[headings.index("unique_id")]: row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert shown.keys() == months.keys()
    for name, month in months.items():
        interval = month["intervals"][0]
        assert shown[name][2:5] == pytest.approx((month["median"], interval["lo"], interval["hi"]), rel=1e-6)


def test_the_memo_as_pdf_is_one_document(client: TestClient, pages: PagesWorld) -> None:
    answer = client.get(f"/v1/runs/{pages.trade.run_id}/memo.pdf")
    if answer.status_code == 501:
        pytest.skip("no Pango here (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)")
    assert answer.content.startswith(b"%PDF-")


def test_the_workbook_has_every_series_by_month_with_formats(client: TestClient, pages: PagesWorld) -> None:
    content = client.get(f"/v1/runs/{pages.clean.run_id}/report.xlsx").content
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book["All series by month"]
    headings = [str(cell.value) for cell in sheet[1]]
    assert headings[-14:][0] == "2026-01 forecast (USD m)"
    assert headings[-15] == "2025-12 observed"
    shown = {row[1]: row for row in sheet.iter_rows(min_row=2, values_only=True)}
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params={"limit": 1000}).json()
    assert len(shown) == len(answer["series"])
    for series in answer["series"]:
        medians = [month["median"] for month in series["months"]]
        assert shown[series["unique_id"]][-14:] == pytest.approx(medians, rel=1e-6)
    assert sheet["C2"].number_format in ("#,##0", "#,##0.0", "#,##0.00")
    assert (sheet.column_dimensions["A"].width or 0) > 15
    accuracy = book["Every series"]
    formats = {str(head.value): accuracy.cell(2, head.column).number_format for head in accuracy[1]}
    assert (formats["MASE"], formats["80 % coverage"]) == ("0.00", "0.0%")


def test_the_workbook_has_charts_that_excel_draws(client: TestClient, pages: PagesWorld) -> None:
    content = client.get(f"/v1/runs/{pages.trade.run_id}/report.xlsx").content
    book = openpyxl.load_workbook(io.BytesIO(content))
    # openpyxl keeps charts of the sheets that it reads.
    charts = {sheet.title: sheet._charts for sheet in book if sheet._charts}
    assert list(charts) == ["Exports, by month", "Imports, by month", "Balance, by month"]
    (chart,) = charts["Exports, by month"]
    assert [line.val.numRef.f for line in chart.series] == [
        f"'Exports, by month'!${column}$2:${column}$15" for column in "BEF"
    ]
