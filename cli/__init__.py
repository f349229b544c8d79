"""The command `tradewind`: the only package that knows every room.

Rooms are imported by the command that needs them: `tradewind serve` never loads a forecaster, and help is instant.
"""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor

import typer
from pydantic import ValidationError

from cli.commands import data, files, keys, runs, serve
from cli.console import stop

COMMANDS: dict[str, Callable[..., None]] = {
    "up": serve.up,
    "serve": serve.serve,
    "schedule": serve.schedule,
    "migrate": serve.migrate,
    "run": runs.run,
    "fetch": data.fetch,
    "sources": data.list_sources,
    "changes": runs.changes,
    "simulate-year": runs.simulate_year,
    "forecast": files.forecast,
    "evaluate": files.evaluate,
    "ask": runs.ask,
    "report": runs.report,
}
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "ingest": (
        "Bring published figures in.",
        {
            "bundled": data.ingest_bundled,
            "file": data.ingest_file,
            "external-forecasts": data.ingest_external_forecasts,
        },
    ),
    "key": ("API keys.", {"create": keys.create_key, "list": keys.list_keys, "revoke": keys.revoke_key}),
    "calendar": ("The release calendar.", {"import": data.import_calendar, "show": data.show_calendar}),
}


def main() -> None:
    """Run a command; a fault in what was given is one line on standard error and exit code 2."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from errors import TradewindError
    from jobs.execution.process_supervisor import ChildEnded

    try:
        make_app()()
    except (ChildEnded, TimeoutError, BrokenExecutor) as error:
        stop(str(error), 1)
    except TradewindError as error:
        stop(str(error), 2)
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRADEWIND_" + "_".join(map(str, first["loc"][:1])).upper()
        stop(f"{name}: {first['msg'].removeprefix('Value error, ')}", 2)
    except OperationalError as error:
        stop(f"the database does not answer: {str(error.orig).strip()}", 1)
    except ProgrammingError as error:
        stop(f"the database's tables are not those of this release, run `tradewind migrate`: {error.orig}", 1)


def make_app() -> typer.Typer:
    """The commands and groups of commands, in the order in which help shows them."""
    app = typer.Typer(
        help="Forecasts of a country's monthly goods trade, with intervals and a record.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    _add(app, COMMANDS)
    for name, (told, commands) in GROUPS.items():
        group = typer.Typer(help=told, no_args_is_help=True)
        _add(group, commands)
        app.add_typer(group, name=name)
    return app


def _add(app: typer.Typer, commands: dict[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        app.command(name)(command)
