"""Commands that run the service: everything at once, the API, the scheduler, migrations."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import composition
from cli.console import ask, is_terminal, say, warn
from cli.options import DataDir, EndsWith, Host, Live, Port, Reporter
from cli.table_options import table_options
from settings import Settings

GRACEFUL_SECONDS = 10
"""Requests in progress may end in this time after a stop signal."""

if TYPE_CHECKING:
    from sqlmodel import Session

    from tables import Layout


@table_options
def up(
    *,
    layout: "Layout",
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    live: Live = None,
    file: Annotated[
        Path | None, typer.Option(help="Serve forecasts of this table, as of `forecast`, in place of bundled datasets.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="With --file: code of its dataset.")] = "OWN",
    reporter: Reporter = "CHN",
    unit: Annotated[str, typer.Option(help="With --file: unit of the values, such as 'USD m'.")] = "USD m",
    partner: Annotated[
        list[str] | None, typer.Option(help="With --file: code of a partner's name: 'Rest of Asia=ASIA_X'.")
    ] = None,
) -> None:
    """Start the database, bundled datasets or a file, API and scheduler, which forecasts. Ctrl-C stops all of them."""
    from jobs.execution import process_supervisor

    settings = composition.read_settings(host=host, port=port, data_dir=data_dir, live=live)
    chosen = process_supervisor.free_port(settings.host, settings.port)
    address = f"http://{settings.host}:{chosen}"
    with _stopped_quietly(), process_supervisor.stop_signals(), composition.database(settings) as url:
        own = partial(_import_file, file, layout, partner or [], dataset, reporter, unit) if file else None
        _prepare(settings, url, own)
        environment = {
            "TRADEWIND_DATABASE_URL": url,
            "TRADEWIND_LOG_LEVEL": settings.log_level if "log_level" in settings.model_fields_set else "WARNING",
            "TRADEWIND_LIVE": str(settings.live).lower(),
        }
        commands = {"API": ["serve", "--host", settings.host, "--port", str(chosen)], "scheduler": ["schedule"]}
        with process_supervisor.children(commands, environment, restarted={"scheduler"}) as started:
            process_supervisor.wait_until_answering(f"{address}/live", started)
            say(*_addresses(address, dataset if file else None))
            process_supervisor.watch(started, on_poll=_first_runs(url))


def serve(host: Host = None, port: Port = None, data_dir: DataDir = None, ends_with: EndsWith = None) -> None:
    """Serve the API alone."""
    import uvicorn

    from api.app import create_app
    from api.header_timeout import HeaderTimeout
    from jobs.execution.process_supervisor import stop_with_parent
    from store.database import make_engine

    settings = composition.read_settings(host=host, port=port, data_dir=data_dir)
    with composition.database(settings) as url:
        engine = make_engine(
            url, pool_size=settings.threads, autocommit=True, statement_seconds=settings.statement_seconds
        )
        application = create_app(engine=engine, options=composition.server_config(settings))
        # uvicorn ends by raising the signal that stopped it: as an exit it lets the database be closed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        if ends_with:
            stop_with_parent(ends_with)
        uvicorn.run(
            application,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            http=HeaderTimeout,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )


def schedule(
    list_tasks: Annotated[bool, typer.Option("--list", help="List the next and last tasks, and exit.")] = False,
    data_dir: DataDir = None,
    ends_with: EndsWith = None,
) -> None:
    """Run the scheduler alone: it fetches due releases, forecasts new figures and raises alerts."""
    if list_tasks:
        _list_tasks(composition.read_settings(data_dir=data_dir))
        return
    from jobs.execution.process_supervisor import stop_with_parent
    from jobs.ingestion.fetch import fetch as fetch_dataset
    from jobs.scheduling.scheduler import run_scheduler
    from jobs.scheduling.ticker import Ticker
    from jobs.scheduling.webhook import Webhook

    settings = composition.read_settings(data_dir=data_dir)
    url, secret = settings.webhook_url, settings.webhook_secret
    feeds = composition.feeds(settings) if settings.receives_data else {}
    with composition.engine(settings) as engine:
        poll = partial(
            fetch_dataset, engine=engine, feeds=feeds, access=composition.access(settings), clock=composition.now
        )
        ticker = Ticker(
            engine=engine,
            config=composition.forecast_config(settings),
            dataset_configs={
                code: composition.forecast_config(settings, code) for code in composition.configured_datasets(settings)
            },
            make_executor=composition.executor(settings),
            clock=composition.now,
            polls=dict.fromkeys(feeds, poll),
            interval=composition.poll_interval(settings),
            grace=settings.grace,
            run_limit=timedelta(hours=settings.run_hours),
            first_answers=settings.first_answers,
            fits=settings.fits,
            keep_runs=settings.keep_runs,
            keep_months=settings.keep_months,
            webhook=Webhook(url, secret.get_secret_value()) if url and secret else None,
            mail_server=composition.mail_server(settings),
        )
        if ends_with:
            stop_with_parent(ends_with)
        ended = run_scheduler(ticker, tick_seconds=settings.tick_seconds)
    if not ended:
        # The interpreter would wait for the thread of the abandoned tick.
        os._exit(0)


def _list_tasks(settings: Settings) -> None:
    from services.runs.schedule import scheduled_tasks

    interval, now = composition.poll_interval(settings), composition.now()
    with composition.session(settings) as session:
        tasks = scheduled_tasks(session, now=now, interval=interval, receives_data=settings.receives_data)
    for task in tasks:
        following = "waiting" if task.next_at is None else f"{task.next_at:%Y-%m-%d %H:%M} UTC"
        last = f"; last {task.last_outcome} {task.last_at:%Y-%m-%d %H:%M} UTC" if task.last_at else ""
        failure = f": {task.last_reason}" if task.last_reason else ""
        say(f"{task.dataset or task.indicator:20} {task.task:6} {following:22} {task.reason}{last}{failure}")


def migrate(data_dir: DataDir = None) -> None:
    """Migrate the database schema to this release."""
    from store.migration import migrate as migrate_schema

    with composition.engine(composition.read_settings(data_dir=data_dir)) as engine:
        migrate_schema(engine)


def backup(
    file: Annotated[
        Path, typer.Argument(help="The file to write; an existing one is replaced when the backup is complete.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Write a backup of the whole database. The service may run meanwhile."""
    from store import backup as backups

    with composition.engine(composition.read_settings(data_dir=data_dir)) as engine:
        backups.dump(engine, file)
    say(f"{file}: {file.stat().st_size / 1e6:,.1f} MB")


def restore(
    file: Annotated[Path, typer.Argument(help="A file written by `tradewind backup`.")],
    data_dir: DataDir = None,
) -> None:
    """Restore a backup into an empty database, and migrate it to this release."""
    from store import backup as backups
    from store.migration import migrate as migrate_schema

    with composition.engine(composition.read_settings(data_dir=data_dir)) as engine:
        backups.restore(engine, file)
        migrate_schema(engine)
    say(f"{file} is restored")


@contextmanager
def _stopped_quietly() -> Iterator[None]:
    from jobs.execution.process_supervisor import Stopped

    try:
        yield
    except Stopped:
        say("Stopped.")


def _addresses(address: str, dataset: str | None) -> list[str]:
    """What to look at first."""
    lines = [
        f"Tradewind answers at {address}",
        f"  {address}/docs/                                       documentation; every request at /docs/api",
        f"  {address}/v1/datasets                                 all datasets",
    ]
    if dataset is not None:
        lines += [
            f"  {address}/v1/datasets/{dataset}/forecasts             forecasts, 24 months ahead",
            f"  {address}/v1/datasets/{dataset}/backtests             backtest scores of these forecasts",
        ]
    else:
        lines += [
            f"  {address}/v1/datasets/CN_TRADE/forecasts?flow=X       China's exports, 24 months ahead",
            f"  {address}/v1/datasets/CN_TRADE/backtests?flow=X       backtest scores of these forecasts",
            f"  {address}/v1/datasets/CN_CLEANTECH/forecasts?partner=ASEAN&sector=EV&format=csv",
        ]
    return [*lines, "Press Ctrl-C to stop."]


def _import_file(
    file: Path,
    layout: "Layout",
    partners: list[str],
    dataset: str,
    reporter: str,
    unit: str,
    session: "Session",
    settings: Settings,
) -> None:
    """Import a file as a dataset of the user's own, and print a summary."""
    from jobs.ingestion.ingest import ingest_panel
    from services.datasets.datasets import ImportOptions
    from sources.observation_batch import DatasetDefinition
    from sources.partner_names import country
    from tables import parse_pairs

    code = country(reporter, where="--reporter")
    currency = unit.partition(" ")[0]
    definition = DatasetDefinition(dataset, file.stem, code, currency, unit, "own data", "own data", file.name, 20)
    today, limit = composition.now().date(), settings.max_upload_bytes
    imported = ingest_panel(
        session,
        file,
        definition=definition,
        today=today,
        limit_bytes=limit,
        options=ImportOptions(layout=layout, partners=parse_pairs("partner", partners)),
        ask=ask if is_terminal() else None,
        notify=warn,
    )
    say(*imported.summary)


def _prepare(settings: Settings, url: str, import_own: "Callable[[Session, Settings], None] | None") -> None:
    """Migrate the schema, and import bundled or own datasets."""
    from sqlmodel import Session

    from jobs.ingestion.ingest import ingest_bundled
    from store.database import make_engine
    from store.migration import migrate as migrate_schema

    engine = make_engine(url)
    migrate_schema(engine)
    today = composition.now().date()
    with Session(engine) as session:
        if import_own is not None:
            import_own(session, settings)
        else:
            ingest_bundled(session, today=today)
        session.commit()
    engine.dispose()


def _first_runs(url: str) -> "Callable[[], None]":
    """Announces the first runs of datasets that have none; says at once which those are."""
    from jobs.scheduling.first_runs import FirstRuns
    from store.database import make_engine

    announcements = FirstRuns(make_engine(url, pool_size=1), say)
    if announcements.waiting:
        say(f"Forecasting {', '.join(announcements.waiting)}: preliminary forecasts first, full runs after them.")
    return announcements.poll
