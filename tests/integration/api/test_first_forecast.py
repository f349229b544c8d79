"""Pages before the first forecast: an empty service, a first run in progress, and preliminary forecasts."""

from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from presentation import formatting
from services.runs.run_requests import request_run
from store.database import make_engine
from store.queries import run_status
from tests.conftest import new_database
from tests.integration.api.conftest import FORECAST, options
from tests.support.factories import NOW, build_catalog, publish_run

PAGES = ("/ask", "/heatmap", "/backtest", "/series/CN_TRADE/X/WLD/TOTAL", "/alerts")


def database(server_url: str, template: str, name: str) -> Engine:
    return make_engine(new_database(server_url, name, template=template), pool_size=4)


@pytest.fixture(scope="module")
def empty(server_url: str, template: str) -> Iterator[TestClient]:
    engine = database(server_url, template, "first_empty")
    with TestClient(create_app(engine=engine, options=options())) as client:
        yield client
    engine.dispose()


@pytest.fixture(scope="module")
def beginning(server_url: str, template: str) -> Iterator[Engine]:
    """Two datasets, neither with forecasts; the run of one is in progress."""
    engine = database(server_url, template, "first_beginning")
    with Session(engine) as session:
        build_catalog(session)
        run = request_run(session, dataset="CN_TRADE", as_of=date(2026, 1, 20), config=FORECAST, now=NOW)
        run_status.start(session, run, cutoff=date(2025, 12, 1), data_hash="a" * 64, started_at=NOW)
        run_status.progress(session, run, stage="fit", done=40, total=136)
        session.commit()
    yield engine
    engine.dispose()


def text(client: TestClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code < 500, answer.text
    return str(answer.text).replace(formatting.NBSP, " ")


@pytest.mark.parametrize("url", ["/", "/ask", "/backtest"])
def test_an_empty_service_says_what_to_do(empty: TestClient, url: str) -> None:
    html = text(empty, url)
    assert "No data has been stored yet." in html
    assert "<code>tradewind ingest bundled</code>" in html


@pytest.mark.parametrize("url", ["/", *PAGES])
def test_pages_show_the_progress_of_the_first_run(beginning: Engine, url: str) -> None:
    with TestClient(create_app(engine=beginning, options=options())) as client:
        html = text(client, url)
        if url == "/alerts":
            assert "No rules yet." in html
            return
        if url == "/heatmap":
            assert "tradewind run" in html
            return
        assert "forecasting, 40 of 136 series" in html
        assert "data-run=" in html


def test_preliminary_forecasts_are_marked_until_they_are_replaced(server_url: str, template: str) -> None:
    engine = database(server_url, template, "first_preliminary")
    with Session(engine) as session:
        build_catalog(session)
        publish_run(session, "CN_TRADE", horizon=14)
        session.execute(sa.text("""UPDATE run SET config = config || '{"preliminary": true}'"""))
        full = request_run(session, dataset="CN_TRADE", as_of=date(2026, 1, 20), config=FORECAST, now=NOW)
        run_status.start(session, full, cutoff=date(2025, 12, 1), data_hash="a" * 64, started_at=NOW)
        run_status.progress(session, full, stage="backtest", done=3, total=36)
        session.commit()
    with TestClient(create_app(engine=engine, options=options())) as client:
        for url in ("/", "/series/CN_TRADE/X/WLD/TOTAL", "/ask"):
            html = text(client, url)
            assert "Preliminary forecasts from 4 folds" in html
            assert "backtest, 3 of 36 folds" in html
        with Session(engine) as session:
            publish_run(session, "CN_TRADE", horizon=14, seed=2, data_hash="b" * 64)
            session.commit()
        assert "Preliminary" not in text(client, "/series/CN_TRADE/X/WLD/TOTAL")
    engine.dispose()
