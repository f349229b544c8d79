"""The effect of an event by partner: a sentence, the chart and the table; and the calendar of events."""

from collections.abc import Sequence
from typing import Any

from forecasting.data.months import month_text
from presentation import formatting, links
from presentation.charts.event_effects import GROUPS, effect_bars
from presentation.sections.events import DATES, RATES, event_cells
from presentation.sections.section import Section, figure, in_unit, link, text
from services.events.event_effects import EffectRow, EffectsAnswer
from services.runs.published_run import FLOW_NAMES, PREPOSITIONS, PublishedRun
from store.models import TOTAL_PARTNER
from store.queries.events import EventRecord

SHOWN, NAMED = 10, 3


def effect_sentence(published: PublishedRun, found: EffectsAnswer) -> str:
    """The effect on the trade in scope with its interval, on the total, and the largest gains elsewhere."""
    scope = [row for row in found.rows if row.relation is not None and row.series.partner != TOTAL_PARTNER]
    total = next((row for row in found.rows if row.series.partner == TOTAL_PARTNER), None)
    span = formatting.period_name(_span(found))
    subjects = scope[:2] if scope or total is None else [total]
    parts = [f"{_named(published, row)} {_distance(row, published.unit, found)}" for row in subjects]
    sentence = f"In {span}, {'; '.join(parts)}." if parts else ""
    if scope and total:
        sentence += f" The total {_distance(total, published.unit, found)}."
    gains = [row for row in _top_level(published, found.rows) if row.relation is None and row.bounds[0] > 0]
    if gains:
        money = in_unit(published.unit)
        named = [f"{published.partner_name(row.series.partner)} (+{money(row.effect)})" for row in gains[:NAMED]]
        sentence += f" Above their forecast beyond the interval: {', '.join(named)}."
    return sentence


def effects_section(published: PublishedRun, found: EffectsAnswer) -> Section:
    """The chart and table of effects by partner."""
    rows = [_row(published, row) for row in found.rows]
    shown = [row for row in rows if row["relation"] or row["code"] == TOTAL_PARTNER]
    others = [_row(published, row) for row in _top_level(published, found.rows) if row.relation is None]
    shown += others[: max(SHOWN - len(shown), 0)]
    money, unit = in_unit(published.unit), published.unit
    level, span = f"{found.counterfactual.level:g} %", formatting.period_name(_span(found))
    return Section(
        name="effects",
        title=f"{found.event.title}: {FLOW_NAMES[found.flow].lower()} by partner, {span}",
        columns=[
            text("partner", "Partner"),
            figure("actual", f"Actual ({unit})", money),
            figure("expected", f"Forecast without the event ({unit})", money),
            figure("effect", f"Effect ({unit})", money),
            figure("lo", f"{level} from", money),
            figure("hi", f"{level} to", money),
            figure("effect_pch", "Effect (per cent)", formatting.per_cent_change),
            figure("lo_pch", f"{level} from (per cent)", formatting.per_cent_change),
            figure("hi_pch", f"{level} to (per cent)", formatting.per_cent_change),
            text("scope", "In scope"),
        ],
        rows=rows,
        spec=effect_bars(shown, unit=unit),
        note=_note(found),
        open=False,
        api=links.api_event_effects(
            published.dataset.id,
            event=found.event.id,
            flow=found.flow,
            sector=found.sector,
            months=len(found.months),
            run=published.run.id,
        ),
    )


def calendar_section(events: Sequence[EventRecord], dataset: str) -> Section:
    """The event calendar, newest first, with a link to the effects of each event."""
    rows = [
        {
            **event_cells(event),
            "href": links.events(dataset, event=event.id),
            "kind": event.kind,
            "scope": " ".join((*event.partners, *event.sectors)) or "all",
            "authority": event.authority,
        }
        for event in reversed(events)
    ]
    return Section(
        name="calendar",
        title="Event calendar",
        columns=[
            link("title", "Event"),
            text("kind", "Kind"),
            *DATES,
            text("scope", "Partners and sectors"),
            *RATES,
            text("authority", "Authority"),
            text("source", "Source"),
        ],
        rows=rows,
        api=links.api_events(limit=1000),
    )


def _note(found: EffectsAnswer) -> str:
    """The origin of the forecast without the event, and the other events in the same months."""
    counterfactual = found.counterfactual
    cutoff = formatting.month_name(month_text(counterfactual.cutoff))
    origin = (
        f"run {counterfactual.run_id}, published from data known before the announcement (data to {cutoff})"
        if counterfactual.source == "run"
        else f"the backtest of run {counterfactual.run_id} from data to {cutoff}; intervals of months are added, "
        "as if errors moved together"
    )
    note = f"Forecast without the event: {origin}. The difference contains everything else that happened"
    if found.others:
        titles = [event.title for event in found.others]
        more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
        note += f", such as {'; '.join(titles[:NAMED])}{more}"
    return f"{note}. Lines: {counterfactual.level:g} % intervals."


def _span(found: EffectsAnswer) -> str:
    first, last = month_text(found.months[0]), month_text(found.months[-1])
    return first if first == last else f"{first}/{last}"


def _top_level(published: PublishedRun, rows: Sequence[EffectRow]) -> list[EffectRow]:
    """Rows of partners that are within no other stored group: they add up to the total. Largest gain first."""
    wholes = published.catalog.wholes
    found = [row for row in rows if wholes.get(row.series.partner) == TOTAL_PARTNER]
    return sorted(found, key=lambda row: -row.effect)


def _row(published: PublishedRun, row: EffectRow) -> dict[str, Any]:
    lo, hi = row.bounds
    in_scope = row.relation is not None and row.series.partner != TOTAL_PARTNER
    money = in_unit(published.unit)
    return {
        "code": row.series.partner,
        "partner": published.partner_name(row.series.partner),
        "name": published.partner_name(row.series.partner),
        "relation": row.relation,
        "scope": "yes" if in_scope else "in part" if row.relation else "no",
        "group": GROUPS[0] if in_scope else GROUPS[1],
        "actual": row.actual,
        "expected": row.expected.mean,
        "effect": row.effect,
        "lo": lo,
        "hi": hi,
        "effect_pch": row.per_cent(row.effect),
        "lo_pch": row.per_cent(lo),
        "hi_pch": row.per_cent(hi),
        "text": f"{money(row.effect)} ({money(lo)} to {money(hi)})",
    }


def _named(published: PublishedRun, row: EffectRow) -> str:
    partner = published.partner_name(row.series.partner)
    name = FLOW_NAMES[row.series.flow].lower()
    return name if row.series.partner == TOTAL_PARTNER else f"{name} {PREPOSITIONS[row.series.flow]} {partner}"


def _distance(row: EffectRow, unit: str, found: EffectsAnswer) -> str:
    """Were USD 5bn (20 %) below the forecast, with the interval of the effect."""
    money, (lo, hi) = in_unit(unit), row.bounds
    side = "below" if row.effect < 0 else "above"
    share = row.per_cent(abs(row.effect))
    percent = f" ({share:.0f}{formatting.NBSP}%)" if share is not None else ""
    level = f"{found.counterfactual.level:g}{formatting.NBSP}%"
    verb = "was" if row.series.partner == TOTAL_PARTNER else "were"
    return f"{verb} {money(abs(row.effect))}{percent} {side} the forecast ({level} interval {money(lo)} to {money(hi)})"
