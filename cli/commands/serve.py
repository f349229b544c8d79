"""The service and its parts: everything at once, the API, the scheduler, the database's tables."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cli import composition
from cli.commands.runs import publish
from cli.console import say
from cli.options import DataDir, EndsWith, Host, Live, Port
from settings import Settings

if TYPE_CHECKING:
    from api.config import ServerConfig


def up(host: Host = None, port: Port = None, data_dir: DataDir = None, live: Live = None) -> None:
    """Start everything: database, figures, forecasts, API and scheduler. Ctrl-C stops it."""
    from jobs.execution import process_supervisor

    settings = composition.read_settings(host=host, port=port, data_dir=data_dir, live=live)
    chosen = process_supervisor.free_port(settings.host, settings.port)
    address = f"http://{settings.host}:{chosen}"
    with _stopped_quietly(), process_supervisor.stop_signals(), composition.database(settings) as url:
        _prepare(settings, url)
        environment = {
            "TRADEWIND_DATABASE_URL": url,
            "TRADEWIND_LOG_LEVEL": "WARNING",
            "TRADEWIND_LIVE": str(settings.live).lower(),
        }
        commands = {"API": ["serve", "--host", settings.host, "--port", str(chosen)], "scheduler": ["schedule"]}
        with process_supervisor.children(commands, environment) as processes:
            process_supervisor.wait_until_ready(f"{address}/ready", processes)
            say(
                f"Tradewind answers at {address}",
                f"  {address}/docs/                                       documentation; every request at /docs/api",
                f"  {address}/v1/datasets                                 what there is",
                f"  {address}/v1/datasets/CN_TRADE/forecasts?flow=X       China's exports, 24 months ahead",
                f"  {address}/v1/datasets/CN_TRADE/backtests?flow=X       how right such forecasts were",
                f"  {address}/v1/datasets/CN_CLEANTECH/forecasts?partner=ASEAN&sector=EV&format=csv",
                "Ctrl-C stops it.",
            )
            process_supervisor.watch(processes)


def serve(host: Host = None, port: Port = None, data_dir: DataDir = None, ends_with: EndsWith = None) -> None:
    """Serve the API alone."""
    import uvicorn

    from api.app import create_app
    from jobs.execution.process_supervisor import end_with
    from store.database import make_engine

    settings = composition.read_settings(host=host, port=port, data_dir=data_dir)
    with composition.database(settings) as url:
        engine = make_engine(url, pool_size=settings.threads, autocommit=True)
        application = create_app(engine=engine, options=_api_options(settings))
        # uvicorn ends by raising the signal that stopped it: as an exit it lets the database be closed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        if ends_with:
            end_with(ends_with)
        uvicorn.run(application, host=settings.host, port=settings.port, log_config=None, access_log=False)


def schedule(data_dir: DataDir = None, ends_with: EndsWith = None) -> None:
    """Run the scheduler alone: it fetches what is due, retrains when new figures are in, and raises alerts."""
    from jobs.execution.process_supervisor import end_with
    from jobs.ingestion.fetch import fetch as ask_source
    from jobs.scheduling.polling import Interval
    from jobs.scheduling.scheduler import Ticker, run_scheduler
    from jobs.scheduling.webhook import Webhook

    settings = composition.read_settings(data_dir=data_dir)
    url, secret = settings.webhook_url, settings.webhook_secret
    pauses = (timedelta(minutes=each) for each in (settings.poll_minutes, settings.longest_poll_minutes))
    feeds = composition.feeds(settings) if settings.receives_data else {}
    with composition.engine(settings) as engine:
        ask = partial(
            ask_source, engine=engine, feeds=feeds, access=composition.access(settings), clock=composition.now
        )
        ticker = Ticker(
            engine=engine,
            config=composition.forecast_config(settings),
            dataset_configs={
                code: composition.forecast_config(settings, code) for code in settings.dataset_forecasters
            },
            make_executor=composition.executor(settings),
            clock=composition.now,
            polls=dict.fromkeys(feeds, ask),
            interval=Interval(*pauses),
            grace=settings.grace,
            webhook=Webhook(url, secret.get_secret_value()) if url and secret else None,
        )
        if ends_with:
            end_with(ends_with)
        run_scheduler(ticker, tick_seconds=settings.tick_seconds)


def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's tables up to date."""
    from store.database import migrate as bring_up_to_date

    with composition.engine(composition.read_settings(data_dir=data_dir)) as engine:
        bring_up_to_date(engine)


@contextmanager
def _stopped_quietly() -> Iterator[None]:
    from jobs.execution.process_supervisor import Stopped

    try:
        yield
    except Stopped:
        say("Stopped.")


def _prepare(settings: Settings, url: str) -> None:
    """Tables, figures, and a published run for each dataset, where they are missing."""
    from sqlmodel import Session

    from jobs.ingestion.ingest import ingest_bundled
    from store.database import make_engine
    from store.database import migrate as bring_up_to_date
    from store.queries import catalog

    engine = make_engine(url)
    bring_up_to_date(engine)
    today = composition.now().date()
    with Session(engine) as session:
        ingest_bundled(session, today=today)
        session.commit()
        datasets = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    for dataset in datasets:
        publish(settings, engine, dataset, today)
    engine.dispose()


def _api_options(settings: Settings) -> "ServerConfig":
    from importlib.metadata import version

    from api.config import RunSettings, ServerConfig
    from api.documentation import SITE
    from forecasting.code_version import code_version

    def run_settings(dataset: str, horizon: int | None) -> RunSettings:
        config = replace(composition.forecast_config(settings, dataset), horizon=horizon or settings.horizon)
        return RunSettings(config.horizon, config.seed, config.as_dict(), config.digest, code_version())

    return ServerConfig(
        version=version("tradewind"),
        run_settings=run_settings,
        now=composition.now,
        require_key_to_read=settings.require_key_to_read,
        grace=settings.grace,
        threads=settings.threads,
        max_upload_bytes=settings.max_upload_bytes,
        docs_site=SITE,
        receives_data=settings.receives_data,
    )
