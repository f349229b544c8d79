"""Commands on forecast runs: publish, attribute changes, scenarios, report."""

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import composition
from cli.console import say, stop
from cli.options import DataDir
from settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine


def run(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Use the data known on this day.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Publish forecasts of a dataset from the data known on a day."""
    from services.runs.run_requests import refuse_future

    settings, now = composition.read_settings(data_dir=data_dir), composition.now()
    day = as_of.date() if as_of else now.date()
    refuse_future(day, now)
    with composition.engine(settings) as engine:
        publish(settings, engine, dataset, day)


def cancel(
    run: Annotated[int, typer.Argument(help="Number of a queued or running run, from `tradewind schedule --list`.")],
    data_dir: DataDir = None,
) -> None:
    """End a queued or running run, whichever process executes it."""
    from store.queries import run_status

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        run_status.cancel(session, run, finished_at=composition.now())
        session.commit()
    say(f"run {run} is cancelled; its process stops at its next progress report")


def changes(
    run: Annotated[int, typer.Argument(help="Number of a published run.")],
    against: Annotated[int | None, typer.Option(help="An earlier run; without it the published one before.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Attribute changes of forecasts since an earlier run to new figures, revised figures and re-estimation."""
    from jobs.runs.change_attribution import attribute_changes

    settings = composition.read_settings(data_dir=data_dir)
    with composition.session(settings) as session:
        earlier = attribute_changes(session, run, against=against, make_executor=composition.executor(settings))
        session.commit()
    say(f"run {run}: changes since run {earlier} are stored, see /v1/runs/{run}/changes?against={earlier}")


def prune(
    keep_runs: Annotated[int, typer.Option(min=2, help="Newest published runs of each dataset that stay whole.")],
    keep_months: Annotated[int, typer.Option(min=0, help="Months whose runs stay whole.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be pruned, and change nothing.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Thin older runs to their forecasts and scores against actuals; delete older runs without forecasts."""
    from jobs.retention import prune as prune_runs

    would = "would be " if dry_run else ""
    with composition.engine(composition.read_settings(data_dir=data_dir)) as engine:
        for pruned in prune_runs(
            engine, keep_runs=keep_runs, keep_months=keep_months, now=composition.now(), dry_run=dry_run
        ):
            say(f"{pruned.dataset}: {pruned.thinned} runs {would}thinned, {pruned.deleted} runs {would}deleted")


def simulate_year(
    dataset: Annotated[str, typer.Option(help="A bundled dataset: CN_TRADE or CN_CLEANTECH.")] = "CN_TRADE",
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day to replay.")] = datetime(2025, 12, 31),
) -> None:
    """Replay 2025 release by release in a separate database: forecasts beside actuals."""
    from jobs.simulation import simulate, table_line, title_line
    from sources import bundled
    from store import embedded_postgres
    from store.database import make_engine
    from store.migration import migrate as migrate_schema

    if dataset not in bundled.definitions():
        raise typer.BadParameter(f"it is one of {', '.join(bundled.definitions())}", param_hint="--dataset")
    settings = composition.read_settings()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        embedded_postgres.start(Path(directory), durable=False) as url,
    ):
        engine = make_engine(url)
        migrate_schema(engine)
        say(title_line())
        for released in simulate(
            dataset=dataset,
            start=date(2025, 1, 1),
            end=until.date(),
            config=composition.forecast_config(settings, dataset),
            engine=engine,
            make_executor=composition.executor(settings),
        ):
            say(*map(table_line, released))
        engine.dispose()


def scenario(
    file: Annotated[Path, typer.Argument(help="TOML: name, conditions, shocks, report.")],
    dataset: Annotated[str, typer.Option(help="Code of the dataset, such as CN_PARTNERS.")],
    data_dir: DataDir = None,
) -> None:
    """Forecast under conditions and shocks, beside the baseline."""
    from cli.scenario_output import read_scenario, scenario_lines

    stated = read_scenario(file)
    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        say(*scenario_lines(session, dataset, stated))


def report(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    output: Annotated[Path, typer.Option(help="The document to write: .html, .pdf or .xlsx.")],
    run: Annotated[int | None, typer.Option(help="A run's number; without it the latest published one.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write a report on a run: summary, method, tables, charts, every series."""
    from presentation.report.build import write_report

    if output.suffix not in (".html", ".pdf", ".xlsx"):
        raise typer.BadParameter("a report is written as .html, .pdf or .xlsx", param_hint="--output")
    if not output.parent.is_dir():
        stop(f"{output}: the folder {output.parent} does not exist", 2)
    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        say(f"{dataset}: report on run {write_report(session, dataset, run_id=run, output=output)}: {output}")


def publish(settings: Settings, engine: "Engine", dataset: str, as_of: date) -> None:
    """Run with a progress bar, and report the outcome."""
    from jobs.progress import progress_bar
    from jobs.runs.forecast_run import run_forecast
    from jobs.runs.scoring import config_for_next_run

    with progress_bar(dataset) as bar:
        outcome = run_forecast(
            dataset=dataset,
            as_of=as_of,
            config=config_for_next_run(engine, dataset, composition.forecast_config(settings, dataset)),
            engine=engine,
            make_executor=composition.executor(settings),
            clock=composition.now,
            fits=settings.fits,
            on_progress=bar,
        )
    messages = {
        "published": f"{dataset}: run {outcome.run_id} published",
        "unchanged": f"{dataset}: nothing new since run {outcome.run_id}",
        "cancelled": f"{dataset}: run {outcome.run_id} was cancelled",
        "busy": f"{dataset}: another process is running it",
    }
    say(messages[outcome.status])
