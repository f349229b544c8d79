"""The options that say how a table is laid out, for every command that reads one."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

TABLE_OPTIONS: dict[str, tuple[Any, Any]] = {
    "separator": (
        Annotated[str | None, typer.Option(help="What separates cells: , ; | tab or space. Found if not given.")],
        None,
    ),
    "decimal": (Annotated[str | None, typer.Option(help="Decimal mark: point or comma.")], None),
    "thousands": (
        Annotated[
            str | None, typer.Option(help="Thousands mark: comma, point, space or apostrophe. None if not given.")
        ],
        None,
    ),
    "encoding": (
        Annotated[str | None, typer.Option(help="Encoding of the text, such as cp1252. UTF-8 if not given.")],
        None,
    ),
    "sheet": (Annotated[str | None, typer.Option(help="Sheet of a workbook, by name or number from 0.")], None),
    "missing": (
        Annotated[list[str], typer.Option(help="Text of a missing value, whose row is left out; may be repeated.")],
        [],
    ),
    "map": (
        Annotated[list[str], typer.Option(help="Columns by their headings: date=month,country=partner.")],
        [],
    ),
    "constant": (
        Annotated[list[str], typer.Option(help="Columns that the table lacks: flow=X,sector=TOTAL.")],
        [],
    ),
    "wide": (
        Annotated[bool, typer.Option("--wide", help="Months are down with a column a series, or across.")],
        False,
    ),
    "keep": (Annotated[list[str], typer.Option(help="Only series of this heading (--wide); may be repeated.")], []),
    "drop": (Annotated[list[str], typer.Option(help="Leave out a column or series; may be repeated.")], []),
    "after_gaps": (
        Annotated[bool, typer.Option("--after-gaps", help="A series with a missing month starts after its last one.")],
        False,
    ),
}


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with TABLE_OPTIONS, which it receives together as `layout`, a `tables.Layout`."""
    own = inspect.signature(command)

    @wraps(command)
    def run(**given: Any) -> None:
        layout = _layout(**{name: given.pop(name) for name in TABLE_OPTIONS})
        command(layout=layout, **given)

    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in TABLE_OPTIONS.items()
    ]
    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.parameters.values()
        if parameter.name != "layout"
    ]
    signature = own.replace(parameters=[*kept, *options])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return run


def _layout(**given: Any) -> Any:
    from tables import Layout, make_dialect, parse_pairs

    marks = {name: given.pop(name) for name in ("separator", "decimal", "thousands", "encoding", "sheet", "missing")}
    return Layout(
        dialect=make_dialect(**marks),
        columns=parse_pairs("map", given.pop("map")),
        constant=parse_pairs("constant", given.pop("constant")),
        keep=tuple(given.pop("keep")),
        drop=tuple(given.pop("drop")),
        **given,
    )
