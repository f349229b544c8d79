"""The command `tradewind`: the only file that knows every room.

Rooms are imported by the command that needs them: `tradewind serve` never loads a forecaster, and help is instant.
"""

import signal
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from api.options import ApiOptions
    from forecasting.config import ForecastConfig
    from jobs.executors import ExecutorFactory
    from sources.feeds import Feed
    from sources.question import Access

app = typer.Typer(
    help="Forecasts of a country's monthly goods trade, with intervals and a record.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
ingest = typer.Typer(help="Bring published figures in.", no_args_is_help=True)
key = typer.Typer(help="API keys.", no_args_is_help=True)
calendar = typer.Typer(help="The release calendar.", no_args_is_help=True)
app.add_typer(ingest, name="ingest")
app.add_typer(key, name="key")
app.add_typer(calendar, name="calendar")

MEGABYTE = 1_000_000
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded PostgreSQL keeps its files.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
Level = Annotated[list[float], typer.Option(help="Prediction interval in per cent; may be repeated.")]
Reporter = Annotated[str, typer.Option(help="ISO code of the reporter, whose calendar applies.")]


def main() -> None:
    """Run a command; a fault in what was given is one line on standard error and exit code 2."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from forecasting.errors import ForecastingError
    from jobs.supervisor import AddressTaken, ChildEnded
    from sources.errors import SourceError
    from store.errors import StoreError
    from tabular import TableError

    try:
        app()
    except (TableError, ForecastingError, SourceError, StoreError, AddressTaken) as error:
        _stop(str(error), 2)
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRADEWIND_" + "_".join(map(str, first["loc"])).upper()
        _stop(f"{name}: {first['msg']}", 2)
    except OperationalError as error:
        _stop(f"the database does not answer: {str(error.orig).strip()}", 1)
    except ProgrammingError as error:
        _stop(f"the database's tables are not those of this release, run `tradewind migrate`: {error.orig}", 1)
    except (ChildEnded, TimeoutError, BrokenExecutor) as error:
        _stop(str(error), 1)


@app.command()
def up(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Start everything: database, figures, forecasts, API and scheduler. Ctrl-C stops it."""
    from jobs import supervisor

    settings = _settings(host=host, port=port, data_dir=data_dir)
    chosen = supervisor.free_port(settings.host, settings.port)
    address = f"http://{settings.host}:{chosen}"
    with supervisor.stop_signals(), _stopped_quietly(), _database(settings) as url:
        _prepare(settings, url)
        environment = {"TRADEWIND_DATABASE_URL": url, "TRADEWIND_LOG_LEVEL": "WARNING"}
        commands = {"API": ["serve", "--host", settings.host, "--port", str(chosen)], "scheduler": ["schedule"]}
        with supervisor.children(commands, environment) as processes:
            supervisor.wait_until_ready(f"{address}/ready", processes)
            _say(
                f"Tradewind answers at {address}",
                f"  {address}/docs                                        every request, to try out",
                f"  {address}/v1/datasets                                 what there is",
                f"  {address}/v1/datasets/CN_TRADE/forecasts?flow=X       China's exports, 24 months ahead",
                f"  {address}/v1/datasets/CN_TRADE/backtests?flow=X       how right such forecasts were",
                f"  {address}/v1/datasets/CN_CLEANTECH/forecasts?partner=ASEAN&sector=EV&format=csv",
                "Ctrl-C stops it.",
            )
            supervisor.watch(processes)


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve the API alone."""
    import uvicorn

    from api.app import create_app
    from store.database import make_engine

    settings = _settings(host=host, port=port, data_dir=data_dir)
    with _database(settings) as url:
        engine = make_engine(url, pool_size=settings.threads)
        application = create_app(engine=engine, options=_api_options(settings))
        # uvicorn ends by raising the signal that stopped it: as an exit it lets the database be closed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        uvicorn.run(application, host=settings.host, port=settings.port, log_config=None, access_log=False)


@app.command()
def schedule(data_dir: DataDir = None) -> None:
    """Run the scheduler alone: it fetches what is due, retrains when new figures are in, and raises alerts."""
    from jobs.fetch import fetch as ask_source
    from jobs.polling import Interval
    from jobs.scheduler import Ticker, run_scheduler
    from jobs.webhook import Webhook

    settings = _settings(data_dir=data_dir)
    url, secret = settings.webhook_url, settings.webhook_secret
    pauses = (timedelta(minutes=each) for each in (settings.poll_minutes, settings.longest_poll_minutes))
    feeds = _feeds(settings) if settings.feeds is not None else {}
    with _engine(settings) as engine:
        ask = partial(ask_source, engine=engine, feeds=feeds, access=_access(settings), clock=_now)
        ticker = Ticker(
            engine=engine,
            config=_config(settings),
            make_executor=_executor(settings),
            clock=_now,
            polls=dict.fromkeys(feeds, ask),
            interval=Interval(*pauses),
            grace=settings.grace,
            webhook=Webhook(url, secret.get_secret_value()) if url and secret else None,
        )
        run_scheduler(ticker, tick_seconds=settings.tick_seconds)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's tables up to date."""
    from store.database import migrate as bring_up_to_date

    with _engine(_settings(data_dir=data_dir)) as engine:
        bring_up_to_date(engine)


@app.command()
def run(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day whose knowledge counts.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Publish forecasts of a dataset, from what was known on a day."""
    settings = _settings(data_dir=data_dir)
    with _engine(settings) as engine:
        _run(settings, engine, dataset, as_of.date() if as_of else _now().date())


@app.command()
def fetch(
    dataset: Annotated[
        list[str] | None, typer.Argument(help="Codes of datasets; without one, all that have a feed.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Ask the sources of datasets for new figures. A source that fails stores nothing; then the exit code is 1."""
    from jobs.fetch import fetch as ask_source

    settings = _settings(data_dir=data_dir)
    feeds, failed = _feeds(settings), False
    with _engine(settings) as engine:
        for code in dataset or sorted(feeds):
            fetched = ask_source(code, engine=engine, feeds=feeds, access=_access(settings), clock=_now)
            failed |= fetched.outcome == "failed"
            stored = f"{fetched.inserted} observations stored" if fetched.inserted else "nothing new"
            _say(f"{code}: {fetched.reason or stored}")
    if failed:
        sys.exit(1)


@app.command("sources")
def list_sources(data_dir: DataDir = None) -> None:
    """List providers and feeds: configured, reachable, last success, last failure and why."""
    from jobs.sources import source_lines

    settings = _settings(data_dir=data_dir)
    with _engine(settings) as engine:
        feeds = _feeds(settings) if settings.feeds else {}
        _say(*source_lines(engine=engine, feeds=feeds, access=_access(settings)))


@app.command()
def changes(
    run: Annotated[int, typer.Argument(help="Number of a published run.")],
    against: Annotated[int | None, typer.Option(help="An earlier run; without it the published one before.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Take apart why a run's forecasts differ from an earlier one's: new figures, revised figures, re-estimation."""
    from sqlmodel import Session

    from jobs.changes import explain

    settings = _settings(data_dir=data_dir)
    with _engine(settings) as engine, Session(engine) as session:
        earlier = explain(session, run, against=against, make_executor=_executor(settings))
        session.commit()
    _say(f"run {run}: what changed against run {earlier} is stored, see /v1/runs/{run}/changes?against={earlier}")


@app.command("simulate-year")
def simulate_year(
    dataset: Annotated[str, typer.Option(help="A bundled dataset: CN_TRADE or CN_CLEANTECH.")] = "CN_TRADE",
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day to live.")] = datetime(2025, 12, 31),
) -> None:
    """Live 2025 again, release by release, in a database of its own: what was expected beside what came."""
    import tempfile

    from jobs.simulation import simulate, table_line, title_line
    from sources import bundled
    from store import embedded
    from store.database import make_engine
    from store.database import migrate as bring_up_to_date

    if dataset not in bundled.definitions():
        raise typer.BadParameter(f"it is one of {', '.join(bundled.definitions())}", param_hint="--dataset")
    settings = _settings()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        embedded.start(Path(directory), durable=False) as url,
    ):
        engine = make_engine(url)
        bring_up_to_date(engine)
        _say(title_line())
        for released in simulate(
            dataset=dataset,
            start=date(2025, 1, 1),
            end=until.date(),
            config=_config(settings),
            engine=engine,
            make_executor=_executor(settings),
        ):
            _say(*map(table_line, released))
        engine.dispose()


@app.command()
def forecast(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: unique_id, ds, y [, partner, sector].")],
    output: Annotated[Path, typer.Option(help="CSV or Parquet to write.")],
    horizon: Annotated[int, typer.Option(min=1, max=120, help="Months ahead.")] = 24,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    reporter: Reporter = "CHN",
) -> None:
    """Forecast a table of monthly series, without a database."""
    from jobs import files
    from jobs.progress import progress_bar

    settings = _settings()
    config = _file_config(settings, horizon=horizon, level=level)
    files.check_output(output)
    panel = files.read_panel(file, today=_now().date(), limit_bytes=settings.max_upload_mb * MEGABYTE)
    with _executor(settings)() as pool, progress_bar(file.name) as bar:
        table, failures = files.forecast_file(panel, config=config, reporter=reporter, executor=pool, on_progress=bar)
    files.write_table(table, output)
    _tell_failures(failures)
    _say(f"{len(panel.unique_ids)} series, {horizon} months from {panel.cutoff + 1}: {output}")


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: unique_id, ds, y [, partner, sector].")],
    output: Annotated[Path, typer.Option(help="CSV or Parquet to write.")],
    horizon: Annotated[int, typer.Option(min=1, max=120, help="Months ahead.")] = 12,
    cutoffs: Annotated[str | None, typer.Option(help="First and last cutoff, such as 2023-12:2025-12.")] = None,
    folds: Annotated[int | None, typer.Option(min=1, help="Cutoffs counted back from the last month but one.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Months between cutoffs.")] = 1,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    reporter: Reporter = "CHN",
) -> None:
    """Score forecasts of a table of monthly series at past cutoffs, without a database."""
    from jobs import files
    from jobs.progress import progress_bar

    settings = _settings()
    config = _file_config(settings, horizon=horizon, level=level)
    files.check_output(output)
    panel = files.read_panel(file, today=_now().date(), limit_bytes=settings.max_upload_mb * MEGABYTE)
    chosen = files.choose_cutoffs(panel, span=cutoffs, folds=folds, every=every)
    with _executor(settings)() as pool, progress_bar(file.name) as bar:
        table, backtest, failures = files.evaluate_file(
            panel, cutoffs=chosen, config=config, reporter=reporter, executor=pool, on_progress=bar
        )
    files.write_table(table, output)
    _tell_failures(failures)
    _say(
        files.score_summary(backtest).to_string(float_format="%.3f", na_rep=""),
        f"{len(panel.unique_ids)} series, {len(chosen)} folds from {chosen[0]} to {chosen[-1]}: {output}",
    )


@app.command()
def ask(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    flow: Annotated[str | None, typer.Option(help="X exports, M imports, B the balance.")] = None,
    partner: Annotated[str | None, typer.Option(help="Partner or group; several with commas.")] = None,
    sector: Annotated[str | None, typer.Option(help="Sector; several with commas.")] = None,
    frequency: Annotated[str | None, typer.Option(help="M, Q, A, YTD or JF.")] = None,
    units: Annotated[str | None, typer.Option(help="lin, chg, pch, pc1, ch1, log, share or contribution.")] = None,
    of: Annotated[str | None, typer.Option(help="The total of a share: partner, sector or total.")] = None,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    quantile: Annotated[list[float] | None, typer.Option(help="Probability; may be repeated.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Months ahead.")] = None,
    period: Annotated[str | None, typer.Option(help="2026, 2026-Q1, 2026-03 or 2026-01/2026-02.")] = None,
    above: Annotated[float | None, typer.Option(help="How likely is more in the period?")] = None,
    below: Annotated[float | None, typer.Option(help="How likely is less?")] = None,
    over: Annotated[str | None, typer.Option(help="How concentrated, over partner or sector?")] = None,
    certificate: Annotated[bool, typer.Option("--certificate", help="Say how such answers did on the folds.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Ask the latest run: sums, growth, shares, concentration, and how likely a number is to be passed in a period."""
    from sqlmodel import Session

    from api.ask import answer_lines
    from api.errors import ApiError

    which = {"flow": flow, "partner": partner, "sector": sector, "units": units, "of": of, "frequency": frequency}
    how = {"level": level, "quantile": quantile or None, "certificate": certificate, "horizon": horizon}
    event = {"period": period, "above": above, "below": below, "over": over}
    given = {name: value for name, value in (which | how | event).items() if value is not None}
    with _engine(_settings(data_dir=data_dir)) as engine, Session(engine) as session:
        try:
            _say(*answer_lines(session, dataset, given))
        except ApiError as error:
            _stop(str(error), 2)


@app.command()
def report(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    output: Annotated[Path, typer.Option(help="The document to write: .html, .pdf or .xlsx.")],
    run: Annotated[int | None, typer.Option(help="A run's number; without it the latest published one.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write a report on a run that can be mailed: summary, method, tables, charts, every series."""
    from sqlmodel import Session

    from api.errors import ApiError
    from api.report.build import write_report

    if output.suffix not in (".html", ".pdf", ".xlsx"):
        raise typer.BadParameter("a report is written as .html, .pdf or .xlsx", param_hint="--output")
    try:
        with _engine(_settings(data_dir=data_dir)) as engine, Session(engine) as session:
            _say(f"{dataset}: report on run {write_report(session, dataset, run_id=run, output=output)}: {output}")
    except ApiError as error:
        _stop(str(error), 2)


@ingest.command("bundled")
def ingest_bundled(data_dir: DataDir = None) -> None:
    """Bring in the figures that come with Tradewind, where the store lacks them."""
    from sqlmodel import Session

    from jobs.ingest import ingest_bundled as bring_in

    with _engine(_settings(data_dir=data_dir)) as engine, Session(engine) as session:
        appended = bring_in(session, today=_now().date())
        session.commit()
    lines = [f"{dataset}: {one.inserted} observations" for dataset, one in appended.items()]
    _say(*(lines or ["Nothing was missing."]))


@ingest.command("file")
def ingest_file(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: month, flow, partner, sector, value [, vintage].")],
    dataset: Annotated[str, typer.Option(help="Code of the dataset the figures belong to.")],
    create: Annotated[bool, typer.Option("--create", help="Make the dataset; the options below describe it.")] = False,
    title: Annotated[str, typer.Option(help="What the dataset is.")] = "",
    reporter: Annotated[str, typer.Option(help="ISO code of the country that reports.")] = "CHN",
    currency: Annotated[str, typer.Option(help="ISO code of the currency.")] = "USD",
    unit: Annotated[str, typer.Option(help="Unit of the values, such as 'USD m'.")] = "USD m",
    publisher: Annotated[str, typer.Option(help="Who publishes the figures.")] = "",
    licence: Annotated[str, typer.Option(help="Under what terms.")] = "",
    release_day: Annotated[int, typer.Option(help="Day of the next month on which a month is due.")] = 20,
    partners: Annotated[Path | None, typer.Option(help="CSV code,name of partners of your own.")] = None,
    sectors: Annotated[Path | None, typer.Option(help="CSV code,name of sectors of your own.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Bring in a panel from a file: all of it, or nothing."""
    from sqlmodel import Session

    from jobs.ingest import ingest_file as bring_in
    from sources.delivery import Definition

    if create and not (title and publisher and licence):
        raise typer.BadParameter("it needs --title, --publisher and --licence", param_hint="--create")
    words = (title, reporter, currency, unit, publisher, licence, publisher, release_day)
    settings = _settings(data_dir=data_dir)
    with _engine(settings) as engine, Session(engine) as session:
        appended = bring_in(
            session,
            file,
            dataset=dataset,
            today=_now().date(),
            limit_bytes=settings.max_upload_mb * MEGABYTE,
            create=Definition(dataset, *words) if create else None,
            partners=partners,
            sectors=sectors,
        )
        session.commit()
    _say(f"{dataset}: {appended.inserted} observations stored, {appended.unchanged} known already")


@calendar.command("import")
def import_calendar(
    file: Annotated[Path, typer.Argument(help="CSV: dataset, period, due_on [, time].")], data_dir: DataDir = None
) -> None:
    """Put due dates in place of those there are: all of the file, or nothing."""
    from sqlmodel import Session

    from store import releases
    from tabular import check_releases, read_table

    settings = _settings(data_dir=data_dir)
    frame = check_releases(read_table(file, limit_bytes=settings.max_upload_mb * MEGABYTE))
    with _engine(settings) as engine, Session(engine) as session:
        planned = releases.plan(session, frame)
        session.commit()
    _say(f"{planned} due dates planned")


@calendar.command("show")
def show_calendar(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")], data_dir: DataDir = None
) -> None:
    """The months of the last year and those ahead: when they were due, when they came."""
    from sqlmodel import Session

    from store import catalog, releases

    settings, now = _settings(data_dir=data_dir), _now()
    with _engine(settings) as engine, Session(engine) as session:
        catalog.dataset(session, dataset)
        found = releases.releases(session, dataset, since=now.date() - timedelta(days=366))
    for one in found:
        due = f"{one.due_at:%Y-%m-%d %H:%M} UTC" if one.due_at else f"{one.due_on}"
        came = f"{one.published_at:%Y-%m-%d}" if one.published_at else ""
        part = f"{one.missing} series missing" if one.missing else ""
        _say(f"{one.period:%Y-%m}  {one.status(now, settings.grace):4}  {due:20}  {came:10}  {part}".rstrip())


@ingest.command("outside")
def ingest_outside(
    file: Annotated[Path, typer.Argument(help="Forecasts that others made, in the hubverse layout.")],
    dataset: Annotated[str, typer.Option(help="Code of the dataset whose series they forecast.")],
    data_dir: DataDir = None,
) -> None:
    """Bring in forecasts from outside, all of them or nothing; they are scored beside ours."""
    from sqlmodel import Session

    from jobs.outside import ingest_outside as bring_in

    settings = _settings(data_dir=data_dir)
    limit = settings.max_upload_mb * MEGABYTE
    with _engine(settings) as engine, Session(engine) as session:
        appended = bring_in(session, file, dataset=dataset, today=_now().date(), limit_bytes=limit)
        session.commit()
    _say(f"{dataset}: {appended.inserted} statements stored, {appended.unchanged} known already")


@key.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    scope: Annotated[list[str], typer.Option(help="read or write; may be repeated.")],
    data_dir: DataDir = None,
) -> None:
    """Make an API key and show it, once."""
    from sqlmodel import Session

    from store import keys

    with _engine(_settings(data_dir=data_dir)) as engine, Session(engine) as session:
        _say(keys.create(session, name=name, scopes=scope, now=_now()))
        session.commit()


@contextmanager
def _stopped_quietly() -> Iterator[None]:
    from jobs.supervisor import Stopped

    try:
        yield
    except Stopped:
        _say("Stopped.")


def _settings(**given: Any) -> Settings:
    """The settings of the environment, under what the command line says, with the logs set up."""
    from jobs.logs import configure_logs

    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    configure_logs(settings.log_level)
    return settings


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The URL of the server given, or of an embedded one."""
    from store import embedded

    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with embedded.start(settings.data_dir) as url:
        yield url


@contextmanager
def _engine(settings: Settings) -> "Iterator[Engine]":
    from store.database import make_engine

    with _database(settings) as url:
        engine = make_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()


def _prepare(settings: Settings, url: str) -> None:
    """Tables, figures, and a published run for each dataset, where they are missing."""
    from sqlmodel import Session

    from jobs.ingest import ingest_bundled
    from store import catalog
    from store.database import make_engine
    from store.database import migrate as bring_up_to_date

    engine = make_engine(url)
    bring_up_to_date(engine)
    today = _now().date()
    with Session(engine) as session:
        ingest_bundled(session, today=today)
        session.commit()
        datasets = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    for dataset in datasets:
        _run(settings, engine, dataset, today)
    engine.dispose()


def _run(settings: Settings, engine: "Engine", dataset: str, as_of: date) -> None:
    from jobs.forecast_run import run_forecast
    from jobs.progress import progress_bar
    from jobs.tracking import selection

    with progress_bar(dataset) as bar:
        outcome = run_forecast(
            dataset=dataset,
            as_of=as_of,
            config=selection(engine, dataset, _config(settings)),
            engine=engine,
            make_executor=_executor(settings),
            clock=_now,
            on_progress=bar,
        )
    said = {
        "published": f"{dataset}: run {outcome.run_id} published",
        "unchanged": f"{dataset}: nothing new since run {outcome.run_id}",
        "busy": f"{dataset}: another process is at it",
    }
    _say(said[outcome.status])


def _feeds(settings: Settings) -> "dict[str, Feed]":
    from sources.feeds import read_feeds

    if settings.feeds is None:
        _stop("TRADEWIND_FEEDS names no feeds file: see Adding a source in docs/operations.md", 2)
    return read_feeds(settings.feeds)


def _access(settings: Settings) -> "dict[str, Access]":
    """Where providers are reached, and with which keys."""
    from sources.providers import access

    keys = {"comtrade": settings.comtrade_key, "census": settings.census_key}
    return access(settings.source_addresses, keys)


def _executor(settings: Settings) -> "ExecutorFactory":
    """Where series are fitted."""
    if settings.dask_address is None or settings.executor != "dask":
        from jobs.executors import process_pool

        return partial(process_pool, settings.workers)
    try:
        from jobs.cluster import dask_cluster
    except ModuleNotFoundError as error:
        _stop(f"TRADEWIND_EXECUTOR=dask needs {error.name}: pip install 'tradewind[cluster]'", 2)
    return partial(dask_cluster, settings.dask_address)


def _config(settings: Settings) -> "ForecastConfig":
    from forecasting.config import ForecastConfig

    return ForecastConfig(
        horizon=settings.horizon, folds=settings.folds, seed=settings.seed, forecasters=settings.forecasters
    )


def _file_config(settings: Settings, *, horizon: int, level: list[float]) -> "ForecastConfig":
    if not all(0 < each < 100 for each in level):
        raise typer.BadParameter("a level lies between 0 and 100, both excluded", param_hint="--level")
    return replace(_config(settings), horizon=horizon, levels=tuple(sorted(set(level))))


def _api_options(settings: Settings) -> "ApiOptions":
    from importlib.metadata import version

    from api.options import ApiOptions, RunTerms
    from forecasting.version import code_version

    def run_terms(horizon: int | None) -> RunTerms:
        config = replace(_config(settings), horizon=horizon or settings.horizon)
        return RunTerms(config.horizon, config.seed, config.as_dict(), config.digest, code_version())

    return ApiOptions(
        version=version("tradewind"),
        run_terms=run_terms,
        now=_now,
        require_key_to_read=settings.require_key_to_read,
        grace=settings.grace,
        threads=settings.threads,
        max_upload_bytes=settings.max_upload_mb * MEGABYTE,
    )


def _tell_failures(failures: Any) -> None:
    if failures:
        series = {failure.unique_id for failure in failures}
        _warn(f"a forecaster failed {len(failures)} times on {len(series)} series; the baseline stood in")


def _now() -> datetime:
    return datetime.now(UTC)


def _say(*lines: str) -> None:
    typer.echo("\n".join(lines))


def _warn(line: str) -> None:
    typer.echo(f"tradewind: {line}", err=True)


def _stop(line: str, code: int) -> NoReturn:
    _warn(line)
    sys.exit(code)


if __name__ == "__main__":
    main()
