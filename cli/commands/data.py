"""Commands that import observations, external forecasts and the release calendar."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import composition
from cli.console import ask, is_terminal, say, warn
from cli.options import DataDir, Force
from cli.table_options import table_options

if TYPE_CHECKING:
    from tables import Layout


def ingest_bundled(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Codes of datasets; without one, all but those imported on request.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Import the bundled datasets that the database lacks; WORLD_EXPORTS only by its code."""
    from jobs.ingestion.ingest import ingest_bundled as ingest
    from sources import bundled

    unknown = sorted({*(datasets or ())} - bundled.definitions().keys())
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)} is none of {', '.join(bundled.definitions())}")
    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        appended = ingest(session, today=composition.now().date(), only=datasets or ())
        session.commit()
    lines = [f"{dataset}: {result.inserted} observations" for dataset, result in appended.items()]
    say(*(lines or ["All bundled datasets are already stored."]))


@table_options
def ingest_file(
    *,
    layout: "Layout",
    file: Annotated[
        Path, typer.Argument(help="CSV, XLSX or Parquet: month, flow, partner, sector, value [, vintage].")
    ],
    dataset: Annotated[str, typer.Option(help="Code of the dataset the figures belong to.")],
    create: Annotated[
        bool, typer.Option("--create", help="Create the dataset; the options below describe it.")
    ] = False,
    title: Annotated[str, typer.Option(help="Title of the dataset.")] = "",
    reporter: Annotated[str, typer.Option(help="The country that reports, by ISO code or English name.")] = "CHN",
    currency: Annotated[str, typer.Option(help="ISO code of the currency.")] = "USD",
    unit: Annotated[str, typer.Option(help="Unit of the values, such as 'USD m'.")] = "USD m",
    publisher: Annotated[str, typer.Option(help="Publisher of the figures.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the figures.")] = "",
    release_day: Annotated[int, typer.Option(help="Day of the next month on which a month is due.")] = 20,
    derive_rest: Annotated[
        bool, typer.Option("--derive-rest", help="Derive the rest of the world: World less the listed partners.")
    ] = False,
    allow_negative: Annotated[
        bool, typer.Option("--allow-negative", help="Values may be negative, such as official corrections.")
    ] = False,
    partner: Annotated[list[str] | None, typer.Option(help="Code of a partner's name: 'Rest of Asia=ASIA_X'.")] = None,
    partners: Annotated[Path | None, typer.Option(help="CSV code,name of partners of your own.")] = None,
    sectors: Annotated[Path | None, typer.Option(help="CSV code,name of sectors of your own.")] = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Values count as known from the day their month was due.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and summarise; store nothing.")] = False,
    force: Force = False,
    data_dir: DataDir = None,
) -> None:
    """Import a table from a file: all rows or none. On a terminal, unclear columns and partners are asked for."""
    from jobs.ingestion.ingest import ingest_file as ingest
    from services.datasets.datasets import ImportOptions
    from sources.observation_batch import DatasetDefinition
    from sources.partner_names import country
    from tables import parse_pairs

    _check_definition(create, described=bool(title and publisher and licence), defines=derive_rest or allow_negative)
    code = country(reporter, where="--reporter")
    description = (title, code, currency, unit, publisher, licence, publisher, release_day)
    definition = DatasetDefinition(dataset, *description, derives_rest=derive_rest, allows_negative=allow_negative)
    names = parse_pairs("partner", partner or [])
    settings = composition.read_settings(data_dir=data_dir)
    with composition.session(settings) as session:
        imported = ingest(
            session,
            file,
            dataset=dataset,
            today=composition.now().date(),
            limit_bytes=settings.max_upload_bytes,
            options=ImportOptions(layout=layout, partners=names, backfill=backfill, force=force),
            create=definition if create else None,
            partners=partners,
            sectors=sectors,
            ask=ask if is_terminal() else None,
            notify=warn,
        )
        if not dry_run:
            session.commit()
    if dry_run or create:
        say(*imported.summary)
    stored, appended = "would be stored" if dry_run else "stored", imported.appended
    say(f"{dataset}: {appended.inserted} observations {stored}, {appended.unchanged} already stored")


def _check_definition(create: bool, *, described: bool, defines: bool) -> None:
    """Refuse a new dataset without a description, and options that define a dataset without --create."""
    if create and not described:
        raise typer.BadParameter("it needs --title, --publisher and --licence", param_hint="--create")
    if defines and not create:
        raise typer.BadParameter(
            "it defines a dataset and needs --create", param_hint="--derive-rest, --allow-negative"
        )


def ingest_indicator(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or XLSX: month, value [, known_on].")],
    indicator: Annotated[str, typer.Option(help="Code of the indicator, such as KR_EXPORTS.")],
    informs: Annotated[
        list[str] | None,
        typer.Option(help="A dataset, or a part of it as in CN_TRADE.X, that it may inform; may be repeated."),
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="Add the indicator; the options below describe it.")] = False,
    title: Annotated[str, typer.Option(help="Title of the indicator.")] = "",
    kind: Annotated[str, typer.Option(help="amount: positive, with a season. index: seasonally adjusted.")] = "amount",
    unit: Annotated[str, typer.Option(help="Unit of the values.")] = "",
    country: Annotated[str, typer.Option(help="ISO code of the country whose calendar moves it.")] = "CHN",
    publisher: Annotated[str, typer.Option(help="Publisher of the indicator.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the indicator.")] = "",
    lag_days: Annotated[int, typer.Option(help="Days from the end of a month to its publication.")] = 0,
    data_dir: DataDir = None,
) -> None:
    """Import an indicator from a file, all rows or none; known_on is the day a value became public."""
    from jobs.ingestion.indicators import ingest_indicator_file
    from sources.observation_batch import IndicatorDefinition

    if create and not (title and unit and publisher and licence):
        raise typer.BadParameter("it needs --title, --unit, --publisher and --licence", param_hint="--create")
    settings = composition.read_settings(data_dir=data_dir)
    description = (title, kind, unit, country, publisher, licence, publisher, lag_days)
    with composition.session(settings) as session:
        appended = ingest_indicator_file(
            session,
            file,
            indicator=indicator,
            today=composition.now().date(),
            limit_bytes=settings.max_upload_bytes,
            create=IndicatorDefinition(indicator, *description) if create else None,
            informs=informs or (),
        )
        session.commit()
    say(f"{indicator}: {appended.inserted} values stored, {appended.unchanged} already stored")


def ingest_events(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet of events; docs/api/events.md has the columns.")],
    data_dir: DataDir = None,
) -> None:
    """Import events that move trade, all rows or none; a known id replaces the stored event."""
    from jobs.ingestion.events import ingest_event_file

    settings = composition.read_settings(data_dir=data_dir)
    with composition.session(settings) as session:
        stored = ingest_event_file(session, file, limit_bytes=settings.max_upload_bytes)
        session.commit()
    say(f"{stored.inserted} events stored, {stored.changed} changed, {stored.unchanged} already stored")


def ingest_regressor(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or XLSX: month, past or to come, value [, known_on].")],
    dataset: Annotated[str, typer.Option(help="Code of the dataset whose series it explains.")],
    regressor: Annotated[str, typer.Option(help="Code of the regressor, such as DUTY_PLAN.")],
    title: Annotated[str, typer.Option(help="Title; with it the regressor is defined or redefined.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of the values.")] = "",
    explains: Annotated[str, typer.Option(help="Series that it explains, such as X.USA or X.*.EV.")] = "*",
    data_dir: DataDir = None,
) -> None:
    """Import an own regressor of a dataset, with its planned future, all rows or none."""
    from jobs.ingestion.regressors import ingest_regressor_file
    from store.queries.regressors import RegressorRecord

    if bool(title) != bool(unit):
        raise typer.BadParameter("a definition needs both", param_hint="--title, --unit")
    flow, partner, sector = (*explains.split(".", 2), "*", "*")[:3]
    settings = composition.read_settings(data_dir=data_dir)
    with composition.session(settings) as session:
        inserted = ingest_regressor_file(
            session,
            file,
            dataset=dataset,
            regressor=regressor,
            today=composition.now().date(),
            limit_bytes=settings.max_upload_bytes,
            define=RegressorRecord(regressor, title, unit, flow, partner, sector) if title else None,
        )
        session.commit()
    say(f"{dataset} {regressor}: {inserted} values stored")


def ingest_external_forecasts(
    file: Annotated[Path, typer.Argument(help="External forecasts in the hubverse layout.")],
    dataset: Annotated[str, typer.Option(help="Code of the dataset whose series they forecast.")],
    data_dir: DataDir = None,
) -> None:
    """Import external forecasts, all or none, and score them beside the published ones."""
    from jobs.runs.external_scoring import ingest_external_forecasts as ingest

    settings = composition.read_settings(data_dir=data_dir)
    limit = settings.max_upload_bytes
    with composition.session(settings) as session:
        appended = ingest(session, file, dataset=dataset, today=composition.now().date(), limit_bytes=limit)
        session.commit()
    say(f"{dataset}: {appended.inserted} values stored, {appended.unchanged} already stored")


def fetch(
    dataset: Annotated[
        list[str] | None, typer.Argument(help="Codes of datasets; without one, all that have a feed.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Fetch new figures from the sources of datasets. A failed source stores nothing and sets exit code 1."""
    from jobs.ingestion.fetch import fetch as fetch_dataset

    settings = composition.read_settings(data_dir=data_dir)
    feeds, failed = composition.feeds(settings), False
    with composition.engine(settings) as engine:
        for code in dataset or sorted(feeds):
            fetched = fetch_dataset(
                code, engine=engine, feeds=feeds, access=composition.access(settings), clock=composition.now
            )
            failed |= fetched.outcome == "failed"
            stored = f"{fetched.inserted} observations stored" if fetched.inserted else "nothing new"
            say(f"{code}: {fetched.reason or stored}")
    if failed:
        sys.exit(1)


def list_sources(data_dir: DataDir = None) -> None:
    """List providers and feeds: configuration, reachability, last success, last failure and its reason."""
    from jobs.ingestion.source_status import source_lines

    settings = composition.read_settings(data_dir=data_dir)
    with composition.engine(settings) as engine:
        feeds = composition.feeds(settings) if settings.receives_data else {}
        say(*source_lines(engine=engine, feeds=feeds, access=composition.access(settings)))


def import_calendar(
    file: Annotated[Path, typer.Argument(help="CSV: dataset, period, due_on [, time].")], data_dir: DataDir = None
) -> None:
    """Replace due dates of the release calendar: all rows of the file or none."""
    from store.queries import releases
    from tables import check_releases, read_table

    settings = composition.read_settings(data_dir=data_dir)
    frame = check_releases(read_table(file, limit_bytes=settings.max_upload_bytes))
    with composition.session(settings) as session:
        planned = releases.plan(session, frame)
        session.commit()
    say(f"{planned} due dates planned")


def show_calendar(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")], data_dir: DataDir = None
) -> None:
    """Show the release calendar of the last year and the months ahead: due dates and publication dates."""
    from store.queries import catalog, releases

    settings, now = composition.read_settings(data_dir=data_dir), composition.now()
    with composition.session(settings) as session:
        catalog.dataset(session, dataset)
        found = releases.releases(session, dataset, since=now.date() - timedelta(days=366))
    for release in found:
        due = f"{release.due_at:%Y-%m-%d %H:%M} UTC" if release.due_at else f"{release.due_on}"
        published = f"{release.published_at:%Y-%m-%d}" if release.published_at else ""
        missing = f"{release.missing} series missing" if release.missing else ""
        status = release.status(now, settings.grace)
        say(f"{release.period:%Y-%m}  {status:4}  {due:20}  {published:10}  {missing}".rstrip())
