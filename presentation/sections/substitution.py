"""Substitution: what took the place of one partner, observed and expected."""

from collections.abc import Sequence

from presentation import formatting, links
from presentation.sections.contributions import span_in_words
from presentation.sections.section import Row, Section, figure, in_unit, text
from services.partners.substitution import Window
from services.runs.published_run import PublishedRun

SUBJECTS = {"X": "exports to", "M": "imports from"}


def substitution_sentence(published: PublishedRun, window: Window, flow: str) -> str:
    """By how much the partner moved and which partners gained most."""
    lost, unit = window.lost, published.unit
    change = lost.change.mean or 0.0
    verb = "fell" if change < 0 else "rose"
    subject = f"{SUBJECTS[flow]} {published.partner_name(lost.code)}"
    sentence = f"In {span_in_words(window.compared.period)} {subject} {verb} by {formatting.money(abs(change), unit)}"
    if lost.at_whole_rate is not None:
        sentence += f"; at the growth rate of the total they would have changed by {_signed(lost.at_whole_rate, unit)}"
    gains = [row for row in window.others if window.share_of_gains(row) is not None][:3]
    if gains:
        parts = [
            f"{row.name} ({_signed(row.change.mean or 0.0, unit)}, {formatting.per_cent(window.share_of_gains(row))})"
            for row in gains
        ]
        sentence += f". Of the gains of the others, {formatting.money(window.gains, unit)} together, the largest are "
        sentence += f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return sentence + "."


def substitution_section(published: PublishedRun, windows: Sequence[Window], flow: str) -> Section | None:
    """The changes of single partners with their shift-share split; None without windows."""
    if not windows:
        return None
    observed, money = windows[0], in_unit(published.unit)
    name = published.partner_name(observed.lost.code)
    return Section(
        name="substitution",
        title=f"What took the place of {name}",
        columns=[
            text("name", "Partner"),
            figure("change", "Change, observed", money),
            figure("at_whole_rate", "At the rate of the total", money),
            figure("mix", "Mix: its group", money),
            figure("own", "Own change", money),
            figure("share_of_gains", "Share of the gains", formatting.per_cent),
            figure("expected", "Change, expected", money),
            figure("lo_80", "80 % from", money),
            figure("hi_80", "80 % to", money),
            figure("expected_own", "Own change, expected", money),
        ],
        rows=_rows(observed, windows[-1]),
        note=(
            f"{substitution_sentence(published, observed, flow)} Shift-share: the change at the rate of the total, "
            "the part of a group that grows faster or slower than it, and the partner's own. Groups are left out; "
            "single partners and remainders sum to the total."
        ),
        api=links.api_substitution(
            published.dataset.id,
            flow=flow,
            partner=observed.lost.code,
            period=observed.compared.period.label,
            run=published.run.id,
            level=80,
        ),
    )


def _rows(observed: Window, expected: Window) -> list[Row]:
    """The change of each partner, the one that lost first: observed, and expected where it is."""
    ahead = {row.code: row for row in (expected.lost, *expected.others)}
    rows: list[Row] = []
    for row in (observed.lost, *observed.others):
        later = ahead.get(row.code)
        rows.append(
            {
                "name": row.name,
                "change": row.change.mean,
                "at_whole_rate": row.at_whole_rate,
                "mix": row.mix,
                "own": row.own,
                "share_of_gains": observed.share_of_gains(row) if row is not observed.lost else None,
                "expected": later.change.mean if later else None,
                "lo_80": later.change.bounds[0][0] if later else None,
                "hi_80": later.change.bounds[0][1] if later else None,
                "expected_own": later.own if later else None,
            }
        )
    return rows


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + formatting.money(value, unit)
