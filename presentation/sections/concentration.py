"""Concentration: the sentence, the index by period, the shares of the largest, and the largest themselves."""

from collections.abc import Mapping
from typing import Any

from presentation import formatting, links
from presentation.charts.concentration import top_shares
from presentation.charts.fan import fan
from presentation.sections.forecast import with_tooltips
from presentation.sections.section import Column, Row, Section, figure, interval_columns, text
from services.forecasts.forecasts import StepForecast
from services.partners.concentration import ConcentrationAnswer, ConcentrationRow
from services.runs.published_run import PublishedRun, iso_day

UNIT = "HHI points"
LEVEL = 80
NAMES = {"partner": "partners", "sector": "sectors"}
SCALE = (
    "The index is the sum of squared shares in per cent, at most 10,000: 10,000 divided by the number of equal shares."
)


def nothing_to_concentrate(published: PublishedRun, over: str) -> str:
    """The reason why a dataset has no concentration over a dimension."""
    if over == "sector" and published.catalog.overlapping:
        return (
            "The commodity groups of this dataset overlap and have no total: a concentration over them is not defined."
        )
    return f"This dataset has no single {NAMES[over]} of this flow."


def concentration_sentence(found: ConcentrationAnswer, over: str) -> str:
    """The index a year ago, now and at the end of the horizon, and the largest part."""
    if not found.history or not found.ahead:
        return "No period of this length is observed and forecast."
    now, end = found.history[-1], found.ahead[-1]
    lo, hi = end.index.bounds[0]
    if end.index.mean is None or lo is None or hi is None:
        return f"In {_period(now)} the index was {_points(now.index.mean)}."
    largest, share = now.largest[0].name, formatting.per_cent(now.largest[0].share.mean)
    return (
        f"In {_period(now)} the index over {NAMES[over]} was {_points(now.index.mean)}; the largest, {largest}, had "
        f"{share}. In {_period(end)} the index is expected to be {_points(end.index.mean)} "
        f"(80 % interval {_points(lo)} to {_points(hi)})."
    )


def concentration_sections(
    published: PublishedRun, found: ConcentrationAnswer, parameters: Mapping[str, Any]
) -> list[Section]:
    """The index, the joint shares of the largest, and the largest parts."""
    if not found.history and not found.ahead:
        return []
    api = links.api_concentration(published.dataset.id, run=published.run.id, **{**parameters, "level": LEVEL})
    return [_index_section(found, api), _top_section(found, api), _largest_section(found, api)]


def _index_section(found: ConcentrationAnswer, api: str) -> Section:
    observed = with_tooltips([_row(row.index, observed=True) for row in found.history], UNIT)
    ahead = [_row(row.index) for row in found.ahead if row.index.reason is None]
    expected = with_tooltips(ahead, UNIT, [LEVEL])
    last = (found.history or found.ahead)[-1]
    return Section(
        name="index",
        title="Herfindahl-Hirschman index",
        columns=[
            text("period", "Period", formatting.period_name),
            figure("value", "Observed", formatting.number),
            figure("median", "Expected", formatting.number),
            *interval_columns([LEVEL], formatting.number),
        ],
        rows=[*reversed(expected), *reversed(observed)],
        spec=fan(observed, expected, unit=UNIT, levels=[LEVEL]),
        note=(
            f"{SCALE} Expected: the index of the expected shares, with an 80 % interval. Single parts only; they hold "
            f"{formatting.per_cent(last.counted)} of the total, and the rest is not counted."
        ),
        open=False,
        api=api,
    )


def _top_section(found: ConcentrationAnswer, api: str) -> Section:
    rows: list[Row] = []
    for row, part in [*((row, "observed") for row in found.history), *((row, "expected") for row in found.ahead)]:
        if row.index.reason is None:
            cells = {f"top_{number}": share.mean for number, share in row.top.items()}
            rows.append({"period": _label(row.index), "month": _month(row.index), "part": part, **cells})
    return Section(
        name="top",
        title="Share of the largest",
        columns=[
            text("period", "Period", formatting.period_name),
            text("part", "Figures"),
            *(figure(f"top_{number}", _top_name(number), formatting.per_cent) for number in (1, 3, 5)),
        ],
        rows=rows[::-1],
        spec=top_shares(
            [
                {"month": row["month"], "part": row["part"], "name": _top_name(number), "share": row[f"top_{number}"]}
                | {"tip": f"{formatting.period_name(row['period'])}: {formatting.per_cent(row[f'top_{number}'])}"}
                for row in rows
                for number in (1, 3, 5)
            ],
            order=[_top_name(number) for number in (1, 3, 5)],
        ),
        note="Joint share of the total of the one, three and five largest in each period; ahead, by expected share.",
        open=False,
        api=api,
    )


def _largest_section(found: ConcentrationAnswer, api: str) -> Section:
    now, end = (found.history or found.ahead)[-1], (found.ahead or found.history)[-1]
    before = {part.code: part.share.mean for part in now.largest}
    rows = [
        {
            "name": part.name,
            "now": before.get(part.code),
            "share": part.share.mean,
            "lo_80": part.share.bounds[0][0],
            "hi_80": part.share.bounds[0][1],
            "points": part.points,
        }
        for part in end.largest
    ]
    columns: list[Column] = [
        text("name", "Name"),
        figure("now", f"Share, {_period(now)}", formatting.per_cent),
        figure("share", f"Share, {_period(end)}", formatting.per_cent),
        *interval_columns([LEVEL], formatting.per_cent),
        figure("points", "Points of the index", formatting.number),
    ]
    return Section(
        name="largest",
        title="Dependence on single parts",
        columns=columns,
        rows=rows,
        note="The ten largest at the end of the horizon. Points of the index: the square of the expected share.",
        api=api,
    )


def _row(step: StepForecast, *, observed: bool = False) -> Row:
    row: Row = {"period": _label(step), "month": _month(step)}
    if observed:
        return row | {"value": step.mean}
    lo, hi = step.bounds[0]
    return row | {"median": step.mean, f"lo_{LEVEL}": lo, f"hi_{LEVEL}": hi}


def _label(step: StepForecast) -> str:
    assert step.span is not None
    return step.span.label


def _month(step: StepForecast) -> str:
    assert step.span is not None
    return iso_day(step.span.last)


def _period(row: ConcentrationRow) -> str:
    return formatting.period_name(_label(row.index))


def _points(value: float | None) -> str:
    return formatting.number(None if value is None else round(value))


def _top_name(number: int) -> str:
    return "Largest" if number == 1 else f"{number} largest"
