"""Jinja templates of pages and reports: filters, macros, and strictness about undefined names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from presentation import formatting
from presentation.exports import PICTURES, TABLES

TEMPLATES = Path(__file__).parent / "templates"
FILTERS: tuple[Callable[..., Any], ...] = (
    *(formatting.month_name, formatting.day_name, formatting.moment_name, formatting.duration, formatting.period_name),
    *(
        formatting.money,
        formatting.round_money,
        formatting.per_cent_change,
        formatting.points,
        formatting.share,
        formatting.per_cent,
        formatting.ratio,
    ),
    *(formatting.number, formatting.plain, formatting.count_of),
)


def make_environment(*directories: Path) -> Environment:
    """An environment over these directories and the shared macros; an undefined name is an error."""
    made = Environment(
        loader=FileSystemLoader([*directories, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update({each.__name__: each for each in FILTERS}, as_json=as_json)
    made.globals.update(table_forms=TABLES, picture_forms=PICTURES)
    return made


def as_json(value: Any) -> Markup:
    """JSON for a script element: no text in it can end the element."""
    text = orjson.dumps(value).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
