"""The database that the documents and their snippets are read against."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session

from forecasting.config import ForecastConfig
from jobs.ingestion.ingest import ingest_bundled
from jobs.runs.forecast_run import run_forecast
from store.database import make_engine
from tests.conftest import BUNDLED_ON, new_database
from tests.support.factories import publish_run

NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)
QUICK = ForecastConfig(folds=2, burn_in=2, draws=40, forecasters=("naive", "seasonal_naive", "theta"))


@pytest.fixture(scope="session")
def documented(server_url: str, template: str) -> str:
    """The name of a database, to be copied, with the bundled figures, synthetic runs of three datasets and a short real
    one of CN_TRADE.

    They are numbered as the first runs of `make up` are: by the codes of their datasets.
    """
    engine = make_engine(new_database(server_url, "documented", template=template))
    with Session(engine) as session:
        ingest_bundled(session, today=BUNDLED_ON)
        for dataset in ("CN_CLEANTECH", "CN_COMMODITIES", "CN_PARTNERS"):
            publish_run(session, dataset, as_of=date(2026, 3, 20), horizon=24, coherent=dataset == "CN_CLEANTECH")
        session.commit()
    run_forecast(
        dataset="CN_TRADE",
        as_of=NOW.date(),
        config=QUICK,
        engine=engine,
        make_executor=lambda: ThreadPoolExecutor(1),
        clock=lambda: NOW,
    )
    engine.dispose()
    return str(engine.url.database)
