"""The feeds file, which assigns a provider and a query to each dataset and indicator (docs/operations/sources.md)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sources import bundled
from sources.bundled import indicators as bundled_indicators
from sources.errors import BadFeeds, NoFeed
from sources.observation_batch import DatasetDefinition, IndicatorDefinition
from sources.provider import Query
from sources.registry import PROVIDERS
from sources.units import multiple_of

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
DEFINING = {field.name for field in fields(DatasetDefinition)} - {"id"}


def _known_unit(unit: str) -> str:
    if multiple_of(unit) is None:
        raise ValueError("a unit is a currency and k, m or bn, such as 'USD m'")
    return unit


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Dataset(_Strict):
    """A dataset's definition, as in datasets.toml."""

    title: str = Field(min_length=1)
    reporter: str = Field(pattern=r"^[A-Z0-9]{2,12}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: Annotated[str, AfterValidator(_known_unit)]
    publisher: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    release_day: int = Field(ge=1, le=28)
    derives_rest: bool = False
    derives_total: bool = False
    allows_negative: bool = False


class _Indicator(_Strict):
    """An indicator's definition, as in indicators.toml."""

    title: str = Field(min_length=1)
    kind: Literal["amount", "index"]
    unit: str = Field(min_length=1)
    country: str = Field(pattern=r"^[A-Z]{3}$")
    publisher: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    lag_days: int = Field(ge=0, le=90)


# An indicator is one series without a currency, whatever series its provider's queries can tell apart.
ONE_SERIES = {"flow": "X", "partner": "WLD", "sector": "TOTAL"}
NO_CURRENCY = "XXX"


class _Table(_Strict):
    """A feed as written in the file."""

    source: str
    start: str = Field(pattern=MONTH)
    revisit: int = Field(default=24, ge=1, le=1200)
    absent: Literal["refuse", "zero"] = "refuse"
    dataset: _Dataset | None = None
    indicator: _Indicator | None = None
    informs: tuple[str, ...] = ()
    partners: dict[str, str] = {}
    sectors: dict[str, str] = {}
    query: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Feed:
    """The feed of a dataset or an indicator, by its `code`.

    The first request begins at `start`, later ones `revisit` months before the last month. `absent` defines a month
    without a row as a fault or as zero. `partners` and `sectors` define additional codes. `informs` names the datasets,
    or parts of them, that an indicator may inform.
    """

    code: str
    source: str
    query: Query
    start: date
    revisit: int
    absent: Literal["refuse", "zero"]
    definition: DatasetDefinition | IndicatorDefinition
    partners: Mapping[str, str]
    sectors: Mapping[str, str]
    digest: str
    informs: tuple[str, ...] = ()


BUNDLED = Path(__file__).parent / "bundled" / "feeds.toml"
"""Feeds of the bundled datasets."""


def read_feeds(path: Path) -> dict[str, Feed]:
    """The feeds of a file by dataset. Raises BadFeeds with table and line."""
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise BadFeeds(path, (error.strerror or str(error)).lower()) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFeeds(path, f"this is not TOML: {error}") from error
    return {dataset: _feed(dataset, table, path, text) for dataset, table in tables.items()}


def feed_of(feeds: Mapping[str, Feed], dataset: str) -> Feed:
    """The feed of a dataset. Raises NoFeed."""
    if dataset not in feeds:
        raise NoFeed(dataset, sorted(feeds))
    return feeds[dataset]


def _feed(dataset: str, table: Any, path: Path, text: str) -> Feed:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", dataset) or not isinstance(table, dict):
        line = _line(text, (dataset,))
        raise BadFeeds(path, f"{dataset} is no table named for a dataset, such as [CN_TRADE]", line=line)
    try:
        written = _Table.model_validate(table)
        provider = PROVIDERS.get(written.source)
        if provider is None:
            names = ", ".join(PROVIDERS)
            place = (dataset, "source")
            raise BadFeeds(path, f"source is one of {names}", table=dataset, line=_line(text, place))
        complete = _of_one_series if _is_indicator(dataset, written) else _as_written
        query = _query(provider.query, complete(provider.query, written.query))
    except ValidationError as error:
        raise _named(error, dataset, path, text) from error
    definition = _definition(dataset, written, path, text)
    digest = sha256(orjson.dumps(table, option=orjson.OPT_SORT_KEYS)).hexdigest()
    start = date.fromisoformat(f"{written.start}-01")
    how = (written.source, query, start, written.revisit, written.absent)
    return Feed(dataset, *how, definition, written.partners, written.sectors, digest, written.informs)


def _is_indicator(code: str, written: _Table) -> bool:
    described = written.indicator is not None
    return described or (written.dataset is None and code in bundled_indicators.definitions())


def _as_written(_kind: type[Query], table: dict[str, Any]) -> dict[str, Any]:
    return table


def _of_one_series(kind: type[Query], table: dict[str, Any]) -> dict[str, Any]:
    """An indicator's query with the parts that only queries of trade have."""
    known = {"constant": ONE_SERIES, "currency": NO_CURRENCY, "dimensions": {}}
    return {name: value for name, value in known.items() if name in kind.model_fields} | table


def _query(kind: type[Query], table: dict[str, Any]) -> Query:
    """The query of the provider; its faults are reported under `query`."""

    class Wrapped(_Strict):
        query: kind  # type: ignore[valid-type]

    wrapped: Any = Wrapped.model_validate({"query": table})
    return wrapped.query  # type: ignore[no-any-return]


def _definition(dataset: str, written: _Table, path: Path, text: str) -> DatasetDefinition | IndicatorDefinition:
    if written.indicator is not None:
        return IndicatorDefinition(dataset, **written.indicator.model_dump())
    if written.dataset is not None:
        return DatasetDefinition(dataset, **written.dataset.model_dump())
    known = bundled.definitions().get(dataset) or bundled_indicators.definitions().get(dataset)
    if known is None:
        reason = f"{dataset} is not bundled: [{dataset}.dataset] or [{dataset}.indicator] has to describe it"
        raise BadFeeds(path, reason, table=dataset, line=_line(text, (dataset,)))
    return known


def _named(error: ValidationError, dataset: str, path: Path, text: str) -> BadFeeds:
    """The first fault, with its table and line."""
    first = error.errors()[0]
    place = (dataset, *map(str, first["loc"]))
    table = ".".join(place[:-1])
    reason = f"{place[-1]}: {first['msg'].removeprefix('Value error, ')}"
    return BadFeeds(path, reason, table=table, line=_line(text, place))


def _line(text: str, place: tuple[str, ...]) -> int | None:
    """The line of the deepest written part of a location: a key or the heading of its table."""
    lines = text.splitlines()
    for depth in range(len(place), 0, -1):
        heading = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(re.escape, place[:depth])) + r"\s*\]")
        start = next((number for number, line in enumerate(lines) if heading.match(line)), None)
        if start is None:
            continue
        for number in range(start + 1, len(lines)):
            if lines[number].lstrip().startswith("["):
                break
            if depth < len(place) and re.match(rf"\s*[\"']?{re.escape(place[depth])}[\"']?\s*=", lines[number]):
                return number + 1
        return start + 1
    return None
