"""The command `tradewind`: its commands, and exit codes by kind of error.

Each command imports the packages that it needs: `tradewind serve` loads no forecaster, and help is instant.
"""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import alerts, data, files, keys, mcp, reads, runs, serve
from cli.console import say, stop

if TYPE_CHECKING:
    from pydantic import ValidationError

COMMANDS: dict[str, Callable[..., None]] = {
    "up": serve.up,
    "serve": serve.serve,
    "schedule": serve.schedule,
    "mcp": mcp.mcp,
    "migrate": serve.migrate,
    "backup": serve.backup,
    "restore": serve.restore,
    "run": runs.run,
    "cancel": runs.cancel,
    "fetch": data.fetch,
    "sources": data.list_sources,
    "changes": runs.changes,
    "prune": runs.prune,
    "simulate-year": runs.simulate_year,
    "forecast": files.forecast,
    "evaluate": files.evaluate,
    "ask": reads.ask,
    "runs": reads.list_runs,
    "backtest": reads.backtest,
    "compare": reads.compare,
    "scenario": runs.scenario,
    "report": runs.report,
}
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "ingest": (
        "Import published figures and external forecasts.",
        {
            "bundled": data.ingest_bundled,
            "file": data.ingest_file,
            "indicator": data.ingest_indicator,
            "events": data.ingest_events,
            "regressor": data.ingest_regressor,
            "external-forecasts": data.ingest_external_forecasts,
        },
    ),
    "key": ("API keys.", {"create": keys.create_key, "list": keys.list_keys, "revoke": keys.revoke_key}),
    "alert": (
        "Alert rules.",
        {"add": alerts.add_rule, "list": alerts.list_rules, "remove": alerts.remove_rule},
    ),
    "calendar": ("The release calendar.", {"import": data.import_calendar, "show": data.show_calendar}),
}


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"tradewind {version('tradewind')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the command itself."""


def main() -> None:
    """Run a command. An error is one line on standard error: exit code 2 for bad input, 1 for a failed dependency."""
    try:
        make_app()()
    except Exception as error:
        _stop_for(error)
        raise


def _stop_for(error: Exception) -> None:
    """End with the line and the exit code of an error, unless it is a defect. A command without errors loads none."""
    import psycopg
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from errors import TradewindError
    from jobs.execution.process_supervisor import ChildEnded

    match error:
        case ChildEnded() | TimeoutError() | BrokenExecutor():
            stop(str(error), 1)
        case TradewindError():
            stop(str(error), 2)
        case ValidationError():
            stop(_invalid_setting(error), 2)
        case OperationalError() | psycopg.OperationalError():
            stop(_unavailable(error), 1)
        case ProgrammingError() | psycopg.ProgrammingError():
            stop(_refused(error), 1)


def _invalid_setting(error: "ValidationError") -> str:
    first = error.errors()[0]
    name = "TRADEWIND_" + "_".join(map(str, first["loc"][:1])).upper()
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"


def _unavailable(error: Exception) -> str:
    from store.database import is_disk_full

    if is_disk_full(error):
        return "the disk of the database is full: free space, then try again"
    return f"the database does not answer: {_first_line(error)}"


def _refused(error: Exception) -> str:
    """A table or column that is missing means that the schema is an older one, or that there is none."""
    from psycopg.errors import UndefinedColumn, UndefinedTable

    if isinstance(getattr(error, "orig", error), UndefinedTable | UndefinedColumn):
        return (
            "the database has not been migrated to this release: run `tradewind migrate` on the same database, "
            "then this command again"
        )
    return f"the database refuses a statement: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    """The reason of the server, which SQLAlchemy keeps beside its own text."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


def make_app() -> typer.Typer:
    """The commands and groups of commands, in the order in which help shows them."""
    app = typer.Typer(
        help="Forecasts of a country's monthly goods trade, with intervals and a track record.",
        callback=_options,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    _add(app, COMMANDS)
    for name, (description, commands) in GROUPS.items():
        group = typer.Typer(help=description, no_args_is_help=True)
        _add(group, commands)
        app.add_typer(group, name=name)
    return app


def _add(app: typer.Typer, commands: dict[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        app.command(name)(command)
