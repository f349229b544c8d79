"""External forecasts beside Tradewind's, first prints and latest values: who was closer, by target and over time."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlmodel import Session

from services.series.series_catalog import SeriesCatalog, part_names
from store.queries import external_forecasts
from store.queries.external_forecasts import Comparison

EXPORTS, IMPORTS, BALANCE = "X", "M", "B"
RECENT = 12
"""Targets of a moving mean of absolute errors."""


class SelectedParts(NamedTuple):
    """Unique_ids of stored series by number; those selected, and those of exports whose balance is selected."""

    names: dict[int, str]
    series: list[int]
    balances: list[int]

    def name(self, row: Comparison) -> str:
        """The unique_id of a comparison's series or balance."""
        name = self.names.get(row.series_id, "")
        return name.replace(f".{EXPORTS}.", f".{BALANCE}.", 1) if row.measure == "balance" else name


def selected_parts(
    catalog: SeriesCatalog,
    *,
    flows: Sequence[str] | None,
    partners: Sequence[str] | None,
    sectors: Sequence[str] | None,
) -> SelectedParts:
    """The series and balances of the codes given; without flows those of every flow. Raises UnknownSeries."""
    stored = None if flows is None else sorted({EXPORTS if flow == BALANCE else flow for flow in flows})
    names = part_names(catalog.choose(flows=stored, partners=partners, sectors=sectors))
    wanted = {EXPORTS, IMPORTS, BALANCE} if flows is None else set(flows)
    flow_of = {number: name.split(".")[1] for number, name in names.items()}
    series = [number for number, flow in flow_of.items() if flow in wanted]
    balances = [number for number, flow in flow_of.items() if flow == EXPORTS and BALANCE in wanted]
    return SelectedParts(names, series, balances)


class ConsensusRow(NamedTuple):
    """One target: the external point forecast, Tradewind's, the first print and the latest value, None if unknown.

    `closer` says whose error on the first print, or on the latest value where that is not known, was smaller: "poll",
    "tradewind" or, where they are equal, "both".
    """

    month: date
    months: int
    reference_date: date
    external: float
    tradewind: float
    first_print: float | None
    latest: float
    backtest: bool
    closer: str

    @property
    def errors(self) -> tuple[float, float]:
        """Absolute errors of the external forecast and of Tradewind's."""
        actual = self.latest if self.first_print is None else self.first_print
        return abs(self.external - actual), abs(self.tradewind - actual)


class ConsensusSummary(NamedTuple):
    """Over `n` targets: mean absolute errors, and on how many each was closer."""

    n: int
    external_mae: float
    tradewind_mae: float
    external_closer: int
    tradewind_closer: int


class Consensus(NamedTuple):
    """The comparisons of one model on one series, oldest first."""

    model: str
    rows: list[ConsensusRow]

    @property
    def summary(self) -> ConsensusSummary:
        """Mean errors and counts over all targets."""
        errors = [row.errors for row in self.rows]
        means = [sum(error[side] for error in errors) / len(errors) for side in (0, 1)]
        closer = [sum(row.closer == side for row in self.rows) for side in ("poll", "tradewind")]
        return ConsensusSummary(len(errors), means[0], means[1], closer[0], closer[1])

    @property
    def running(self) -> list[tuple[float, float]]:
        """Mean absolute errors of both over the last RECENT targets, at each target."""
        errors = [row.errors for row in self.rows]
        windows = [errors[max(place - RECENT + 1, 0) : place + 1] for place in range(len(errors))]
        return [(_mean(window, 0), _mean(window, 1)) for window in windows]


def consensus(session: Session, series_id: int, *, flow: str, growth: bool) -> list[Consensus]:
    """The scored external forecasts of a series, its growth or its balance, by model; the latest of each target."""
    balances = [series_id] if flow == BALANCE else []
    found = external_forecasts.page(
        session,
        [] if balances else [series_id],
        balances=balances,
        scored=True,
        growth=growth,
        limit=10_000,
    )
    latest = {(row.model_id, row.month, row.months): row for row in found.rows}
    by_model: dict[str, list[ConsensusRow]] = {}
    for row in sorted(latest.values(), key=lambda row: (row.model_id, row.month)):
        if row.point is not None:
            by_model.setdefault(row.model_id, []).append(_row(row, row.point))
    return [Consensus(model, rows) for model, rows in by_model.items()]


def _row(row: Comparison, point: float) -> ConsensusRow:
    assert row.our_point is not None
    assert row.latest_value is not None
    known = (row.month, row.months, row.reference_date, point, row.our_point, row.first_value, row.latest_value)
    undecided = ConsensusRow(*known, bool(row.backtest), "both")
    theirs, ours = undecided.errors
    return undecided if theirs == ours else undecided._replace(closer="poll" if theirs < ours else "tradewind")


def _mean(errors: Sequence[tuple[float, float]], side: int) -> float:
    return sum(error[side] for error in errors) / len(errors)
