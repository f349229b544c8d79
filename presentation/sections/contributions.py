"""Contributions to growth: the sentence, the chart, the table and the shares, by partner or by commodity."""

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from forecasting.analysis.periods import Period
from forecasting.data.months import month_text
from presentation import formatting, links
from presentation.charts.contributions import contribution_bars, share_slopes
from presentation.sections.section import Column, Row, Section, figure, in_unit, text
from presentation.sparkline import sparkline
from services.partners.contributions import ContributionAnswer, ContributionRow, Estimate
from services.partners.partner_changes import Changes, PartFacts
from services.runs.published_run import PublishedRun

NAMED = 4
INDENT = "\u2003"
SLOPES = 6
NAMES = {"X": "exports", "M": "imports", "B": "the balance"}
POINTS = "percentage points"
PARTS = {"partner": "Partner", "sector": "Commodity group"}


def growth_sentence(published: PublishedRun, changes: Changes, flow: str) -> str:
    """The observed change, its largest positive and negative contributors, and the forecast."""
    observed, expected = changes.observed, changes.expected
    top = [row for row in observed.rows if row.within is None]
    gains = [row for row in top if (row.change.mean or 0) > 0][:NAMED]
    losses = [row for row in reversed(top) if (row.change.mean or 0) < 0][:2]
    unit = published.unit
    sentence = f"In {_span(observed)} "
    if observed.level is None:
        sentence += f"{NAMES[flow]} rose most in {_named(gains, unit)}" if gains else "no group rose"
        return sentence + (f" and fell most in {_named(losses, unit)}." if losses else ".") + _largest_ahead(changes)
    sentence += f"{NAMES[flow]} {_moved(observed, unit)}"
    if gains:
        sentence += f": {_named(gains, unit)} contributed most"
    if losses:
        sentence += f"; {_named(losses, unit)} reduced {'growth' if observed.growth.mean is not None else 'it'}"
    verb = "is" if flow == "B" else "are"
    pronoun = "it" if flow == "B" else "they"
    sentence += f". In {_span(expected)} {pronoun} {verb} expected to have {_moved(expected, unit, 'risen', 'fallen')}"
    return f"{sentence}{_interval(expected, unit)}."


def _largest_ahead(changes: Changes) -> str:
    rows = [row for row in changes.expected.rows if row.within is None and row.growth.mean is not None]
    fastest = max(rows, key=lambda row: row.growth.mean or 0.0, default=None)
    if fastest is None:
        return ""
    return (
        f" In {_span(changes.expected)} {fastest.name.lower()} is expected to grow fastest, by "
        f"{formatting.per_cent_change(fastest.growth.mean)}."
    )


def contribution_section(
    published: PublishedRun, changes: Changes, facts: Mapping[str, PartFacts], *, by: str, flow: str, spans: str
) -> Section:
    """The chart of parts by contribution, and the table with growth, shares and each part's own change."""
    observed, expected = changes.observed, changes.expected
    ahead = {row.code: row for row in expected.rows}
    parts = [row for row in _nested(observed.rows) if row.code in ahead]
    address = {"by": by, "flow": flow, "spans": spans}
    rows = [_row(published, ahead[row.code], row, facts.get(row.code), address) for row in parts]
    in_points = expected.growth.mean is not None and observed.growth.mean is not None
    kind, unit, show = _bar_kind(published, observed, in_points=in_points)
    # Groups that overlap are compared by growth, each with its members.
    shown = [row for row in rows if row["within"] is None or kind == "growth"]
    order = [str(row["name"]) for row in sorted(shown, key=lambda row: -(row[f"observed_{kind}"] or 0.0))]
    titles = {"points": "Contributions to the growth of", "growth": "Growth of", "change": "Changes of"}
    return Section(
        name="contributions",
        title=f"{titles[kind]} {NAMES[flow]}, by {PARTS[by].lower()}",
        columns=_columns(published.unit, observed, expected, rows, by=by, in_points=in_points),
        rows=rows,
        spec=contribution_bars([bar for row in shown for bar in _bars(row, kind, show)], order=order, unit=unit),
        note=_note(observed, expected, in_points=in_points),
        api=links.api_contributions(
            published.dataset.id,
            by=by,
            flow=flow,
            period=expected.period.label,
            run=published.run.id,
            level=80,
            **{"from": expected.base_period.label},
        ),
    )


def _bar_kind(
    published: PublishedRun, observed: ContributionAnswer, *, in_points: bool
) -> tuple[str, str, Callable[[float | None], str]]:
    """Which figures the chart shows, with their unit and their format."""
    if in_points:
        return "points", POINTS, formatting.points
    if observed.whole is None:
        return "growth", "Growth on a year ago, per cent", formatting.per_cent_change
    return "change", f"Change on a year ago, {published.unit}", in_unit(published.unit)


def slope_section(published: PublishedRun, changes: Changes, *, by: str, flow: str) -> Section | None:
    """Shares of the largest parts in the first year, in the last window and in the next; None without shares."""
    if changes.first is None or changes.expected.growth.mean is None or changes.observed.growth.mean is None:
        return None
    rows = _share_rows(changes.first, changes.observed, changes.expected)
    heads = {
        "first": changes.first.base_period.label,
        "now": _when(changes.observed),
        "ahead": _when(changes.expected),
    }
    return Section(
        name="shares",
        title=f"Shares of {NAMES[flow]}",
        columns=[
            text("name", PARTS[by]),
            *(figure(key, label, formatting.per_cent) for key, label in heads.items()),
        ],
        rows=rows,
        spec=share_slopes(_slope_points(rows[:SLOPES], heads), order=list(heads.values())),
        note=(
            f"The {min(len(rows), SLOPES)} largest in the chart. Now: {_span(changes.observed)}. Ahead: "
            f"{_span(changes.expected)}, means of the forecast."
        ),
        open=False,
        api=links.api_contributions(
            published.dataset.id,
            by=by,
            flow=flow,
            period=changes.first.period.label,
            run=published.run.id,
            level=80,
            **{"from": changes.first.base_period.label},
        ),
    )


def _share_rows(first: ContributionAnswer, observed: ContributionAnswer, expected: ContributionAnswer) -> list[Row]:
    """The share of each part in the first year, now and ahead; the largest share ahead first."""
    base = {row.code: row.base_share for row in first.rows}
    now = {row.code: row.share for row in observed.rows}
    parts = [row for row in expected.rows if row.within is None and row.share is not None]
    return [
        {"name": row.name, "first": base.get(row.code), "now": now.get(row.code), "ahead": row.share}
        for row in sorted(parts, key=lambda row: -(row.share or 0.0))
    ]


def _slope_points(rows: Sequence[Row], heads: Mapping[str, str]) -> list[Row]:
    """The points of the slope chart: each known share of each part, by the head of its column."""
    return [
        {"name": row["name"], "when": head, "share": row[key], "tip": formatting.per_cent(row[key])}
        for row in rows
        for key, head in heads.items()
        if row[key] is not None
    ]


def _when(answer: ContributionAnswer) -> str:
    if answer.period.kind != "span":
        return formatting.period_name(answer.period.label)
    return f"to {month_text(answer.period.last)}"


def _note(observed: ContributionAnswer, expected: ContributionAnswer, *, in_points: bool) -> str:
    note = (
        f"Observed: {formatting.period_name(observed.period.label)}. "
        f"Expected: {formatting.period_name(expected.period.label)}, with 80 % intervals; each on a year ago. "
    )
    if observed.whole is None:
        return (
            f"{note}Groups overlap and are never added: they have no total, no shares and no contributions. A group "
            "that is part of another follows it in the table."
        )
    if not in_points:
        return f"{note}A balance may be zero or below: changes are in money, without growth and shares."
    if not observed.adds_up or not expected.adds_up:
        return f"{note}The listed parts overlap: their contributions do not sum to the growth of the total."
    return (
        f"{note}Members of a group follow it in the table; the other rows sum to the growth of the total. Own change: "
        "the change beyond growth at the rate of the total and of the group. Coverage: share of the outcomes inside "
        "80 % intervals of single months, on the folds of the backtest."
    )


def _columns(
    unit: str,
    observed: ContributionAnswer,
    expected: ContributionAnswer,
    rows: Sequence[Row],
    *,
    by: str,
    in_points: bool,
) -> list[Column]:
    money = in_unit(unit)
    kind, show = ("points", formatting.points) if in_points else ("change", money)
    head = "Contribution" if in_points else "Change"
    columns = [
        _selecting(PARTS[by]) if by == "partner" else text("label", PARTS[by]),
        Column("spark", "Last 3 years", lambda row: sparkline(row["months"]), numeric=False),
        figure(f"observed_{kind}", f"{head}, observed", show),
        figure(f"expected_{kind}", f"{head}, expected", show),
        figure(f"{kind}_lo", "80 % from", show),
        figure(f"{kind}_hi", "80 % to", show),
    ]
    columns += [
        figure(f"{when}_growth", f"Growth, {when}", formatting.per_cent_change)
        for when in ("observed", "expected")
        if any(row[f"{when}_growth"] is not None for row in rows)
    ]
    if in_points:
        columns += [
            figure("base_share", f"Share, {formatting.period_name(expected.base_period.label)}", formatting.per_cent),
            figure("share", "Share, expected", formatting.per_cent),
            figure("own", "Own change, observed", money),
        ]
    columns += [
        figure(name, label, formatting.per_cent_change)
        for name, label in MEASURES.items()
        if any(row[name] is not None for row in rows)
    ]
    if any(row["coverage"] is not None for row in rows):
        columns.append(figure("coverage", "Coverage of 80 %", formatting.share_of))
    return columns


def _selecting(label: str) -> Column:
    """A column of links that select a partner; members are indented."""

    def show(row: Row) -> str:
        indent = INDENT if row["within"] else ""
        return Markup('{}<a href="{}">{}</a>').format(indent, row["href"], row["name"])

    return Column("label", label, show, numeric=False)


MEASURES = {
    "volume_observed": "Volume, observed",
    "volume_expected": "Volume, expected",
    "price_observed": "Unit value, observed",
    "price_expected": "Unit value, expected",
}


def _row(
    published: PublishedRun,
    expected: ContributionRow,
    observed: ContributionRow,
    facts: PartFacts | None,
    address: Mapping[str, str],
) -> Row:
    (points_lo, points_hi), (change_lo, change_hi) = expected.contribution.bounds[0], expected.change.bounds[0]
    growth_lo, growth_hi = expected.growth.bounds[0]
    months = list(facts.months) if facts else []
    page = links.partners(published.dataset.id, **address, run=published.run.id, partner=expected.code)
    return {
        "code": expected.code,
        "name": expected.name,
        "within": expected.within,
        "label": f"{INDENT}{expected.name}" if expected.within else expected.name,
        "href": f"{page}#substitution",
        "months": months,
        "spark": " ".join(f"{value:g}" for value in months),
        "observed_points": observed.contribution.mean,
        "expected_points": expected.contribution.mean,
        "points_lo": points_lo,
        "points_hi": points_hi,
        "observed_change": observed.change.mean,
        "expected_change": expected.change.mean,
        "change_lo": change_lo,
        "change_hi": change_hi,
        "observed_growth": observed.growth.mean,
        "expected_growth": expected.growth.mean,
        "growth_lo": growth_lo,
        "growth_hi": growth_hi,
        "base_share": expected.base_share,
        "share": expected.share,
        "own": observed.own,
        "coverage": facts.coverage if facts else None,
        "volume_observed": facts.volume[0] if facts else None,
        "volume_expected": facts.volume[1] if facts else None,
        "price_observed": facts.unit_value[0] if facts else None,
        "price_expected": facts.unit_value[1] if facts else None,
    }


def _bars(row: Row, kind: str, show: Callable[[float | None], str]) -> list[Row]:
    expected, lo, hi = row[f"expected_{kind}"], row[f"{kind}_lo"], row[f"{kind}_hi"]
    observed = row[f"observed_{kind}"]
    return [
        {"name": row["name"], "period": "observed", "value": observed, "text": show(observed)},
        {"name": row["name"], "period": "expected", "value": expected, "lo": lo, "hi": hi}
        | {"text": f"{show(expected)} ({show(lo)} to {show(hi)})"},
    ]


def _nested(rows: Sequence[ContributionRow]) -> list[ContributionRow]:
    """Each group followed by its members, both by change."""
    members: dict[str, list[ContributionRow]] = {}
    for row in rows:
        if row.within is not None:
            members.setdefault(row.within, []).append(row)
    return [part for row in rows if row.within is None for part in (row, *members.get(row.code, []))]


def _span(answer: ContributionAnswer) -> str:
    return span_in_words(answer.period)


def span_in_words(period: Period) -> str:
    """Q2 2026, 2025, or the 12 months to July 2026."""
    if period.kind != "span":
        return formatting.period_name(period.label)
    return f"the {period.months} months to {formatting.month_name(month_text(period.last))}"


def _moved(answer: ContributionAnswer, unit: str, up: str = "rose", down: str = "fell") -> str:
    growth, change = answer.growth.mean, answer.change.mean
    if growth is not None:
        return f"{up if growth >= 0 else down} by {abs(growth):.1f}{formatting.NBSP}%"
    if change is not None:
        return f"{up if change >= 0 else down} by {formatting.money(abs(change), unit)}"
    return "changed by an unknown amount"


def _interval(answer: ContributionAnswer, unit: str) -> str:
    of, show = (answer.growth, formatting.per_cent_change) if answer.growth.mean is not None else (answer.change, None)
    lo, hi = _bounds(of)
    if lo is None or hi is None:
        return ""
    texts = [show(bound) if show else formatting.money(bound, unit) for bound in (lo, hi)]
    return f" (80 % interval {texts[0]} to {texts[1]})"


def _bounds(estimate: Estimate) -> tuple[float | None, float | None]:
    return estimate.bounds[0] if estimate.bounds else (None, None)


def _named(rows: Sequence[ContributionRow], unit: str) -> str:
    words = [f"{row.name} ({_size(row, unit)})" for row in rows]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _size(row: ContributionRow, unit: str) -> str:
    if row.contribution.mean is not None:
        return formatting.points(row.contribution.mean)
    sign = "+" if (row.change.mean or 0.0) > 0 else ""
    return f"{sign}{formatting.money(row.change.mean, unit)}"
