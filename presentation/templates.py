"""Jinja environment of pages and reports: filters, shared macros, strict undefined names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from presentation import formatting, links
from presentation.exports import PICTURES, TABLES
from presentation.glossary import with_terms

TEMPLATES = Path(__file__).parent / "templates"
FILTERS: tuple[Callable[..., Any], ...] = (
    *(
        formatting.month_name,
        formatting.month_names,
        formatting.day_name,
        formatting.moment_name,
        formatting.duration,
        formatting.period_name,
    ),
    *(
        formatting.money,
        formatting.round_money,
        formatting.per_cent_change,
        formatting.points,
        formatting.share,
        formatting.per_cent,
        formatting.ratio,
    ),
    *(formatting.number, formatting.plain, formatting.inside_sentence, formatting.count_of, formatting.unbroken),
)


def make_environment(*directories: Path) -> Environment:
    """An environment over some directories and the shared macros."""
    environment = Environment(
        loader=FileSystemLoader([*directories, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update({function.__name__: function for function in FILTERS}, as_json=as_json)
    environment.filters["with_terms"] = with_terms
    environment.globals.update(stages=formatting.STAGES, table_formats=TABLES, picture_formats=PICTURES, links=links)
    return environment


def as_json(value: Any) -> Markup:
    """JSON for a script element, escaped so that it cannot close the element."""
    text = orjson.dumps(value).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
