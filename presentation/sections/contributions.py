"""Contributions to growth: the sentence, the chart and the table of the page of partners."""

from collections.abc import Sequence

from forecasting.data.months import month_text
from presentation import formatting, links
from presentation.charts.contributions import contribution_bars
from presentation.sections.section import Column, Row, Section, figure, in_unit, text
from services.contributions import ContributionAnswer, ContributionRow
from services.published_run import PublishedRun

NAMED = 4
VERBS = {"X": "exports", "M": "imports"}


def growth_sentence(observed: ContributionAnswer, expected: ContributionAnswer, flow: str) -> str:
    """Observed growth, its largest positive and negative contributors, and the forecast."""
    top = [row for row in observed.rows if row.within is None and row.contribution.mean is not None]
    gains = [row for row in top if row.contribution.mean and row.contribution.mean > 0][:NAMED]
    losses = [row for row in reversed(top) if row.contribution.mean and row.contribution.mean < 0][:2]
    sentence = f"In the {_span(observed)} {VERBS[flow]} {_change(observed.growth.mean)}"
    if gains:
        sentence += f": {_named(gains)} contributed most"
    if losses:
        sentence += f"; {_named(losses)} reduced growth"
    sentence += (
        f". In the {_span(expected)} they are expected to have {_change(expected.growth.mean, 'grown', 'fallen')}"
    )
    lo, hi = expected.growth.bounds[0]
    if lo is not None and hi is not None:
        sentence += f" (80 % interval {formatting.per_cent_change(lo)} to {formatting.per_cent_change(hi)})"
    return sentence + "."


def contribution_section(
    published: PublishedRun, observed: ContributionAnswer, expected: ContributionAnswer, flow: str
) -> Section:
    """The chart of partners by contribution, and the table with growth, shares and each partner's own change."""
    before = {row.code: row for row in observed.rows}
    rows = [_row(row, before[row.code]) for row in _nested(expected.rows)]
    shown = [row for row in rows if row["within"] is None]
    order = [str(row["name"]) for row in sorted(shown, key=lambda row: -row["observed_points"])]
    return Section(
        name="contributions",
        title=f"Contributions to the growth of {VERBS[flow]}, by partner",
        columns=_columns(published.unit, observed, expected),
        rows=rows,
        spec=contribution_bars([bar for row in shown for bar in _bars(row)], order=order),
        note=(
            f"Observed: {formatting.period_name(observed.period.label)}. Expected: "
            f"{formatting.period_name(expected.period.label)}, with 80 % prediction intervals. Members of a group "
            "follow it in the table; the other rows sum to the growth of the total. Own change is the change beyond "
            "growth at the rate of the total: it shows who gained from whom."
        ),
        api=links.api_contributions(published.dataset.id, flow=flow, run=published.run.id, level=80),
    )


def _columns(unit: str, observed: ContributionAnswer, expected: ContributionAnswer) -> list[Column]:
    money = in_unit(unit)
    return [
        text("label", "Partner"),
        figure("observed_points", "Contribution, observed", formatting.points),
        figure("expected_points", "Contribution, expected", formatting.points),
        figure("lo", "80 % from", formatting.points),
        figure("hi", "80 % to", formatting.points),
        figure("observed_growth", "Growth, observed", formatting.per_cent_change),
        figure("expected_growth", "Growth, expected", formatting.per_cent_change),
        figure("base_share", f"Share, {formatting.period_name(expected.base_period.label)}", formatting.per_cent),
        figure("share", "Share, expected", formatting.per_cent),
        figure("own", "Own change, observed", money),
    ]


def _row(expected: ContributionRow, observed: ContributionRow) -> Row:
    lo, hi = expected.contribution.bounds[0]
    return {
        "code": expected.code,
        "name": expected.name,
        "within": expected.within,
        "label": f"\u2003{expected.name}" if expected.within else expected.name,
        "observed_points": observed.contribution.mean,
        "expected_points": expected.contribution.mean,
        "lo": lo,
        "hi": hi,
        "observed_growth": observed.growth.mean,
        "expected_growth": expected.growth.mean,
        "base_share": expected.base_share,
        "share": expected.share,
        "own": observed.own,
    }


def _bars(row: Row) -> list[Row]:
    points, lo, hi = (formatting.points(row[key]) for key in ("expected_points", "lo", "hi"))
    return [
        {"name": row["name"], "period": "observed", "points": row["observed_points"]}
        | {"text": formatting.points(row["observed_points"])},
        {"name": row["name"], "period": "expected", "points": row["expected_points"], "lo": row["lo"], "hi": row["hi"]}
        | {"text": f"{points} ({lo} to {hi})"},
    ]


def _nested(rows: Sequence[ContributionRow]) -> list[ContributionRow]:
    """Each group followed by its members, both by contribution."""
    members: dict[str, list[ContributionRow]] = {}
    for row in rows:
        if row.within is not None:
            members.setdefault(row.within, []).append(row)
    return [part for row in rows if row.within is None for part in (row, *members.get(row.code, []))]


def _span(answer: ContributionAnswer) -> str:
    return f"{answer.period.months} months to {formatting.month_name(month_text(answer.period.last))}"


def _change(growth: float | None, up: str = "rose", down: str = "fell") -> str:
    if growth is None:
        return "changed by an unknown rate"
    return f"{up if growth >= 0 else down} by {abs(growth):.1f}{formatting.NBSP}%"


def _named(rows: Sequence[ContributionRow]) -> str:
    words = [f"{row.name} ({formatting.points(row.contribution.mean)})" for row in rows]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
