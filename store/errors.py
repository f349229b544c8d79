"""Errors of the store, as data.

StoreError
├── NotStored                  an item with this name does not exist
│   ├── UnknownDataset
│   ├── UnknownSeries
│   ├── UnknownPartner
│   ├── UnknownSector
│   ├── UnknownIndicator
│   ├── UnknownEvent
│   ├── UnknownRegressor
│   ├── UnknownRun
│   ├── UnknownScenario
│   ├── UnknownAdjustment
│   ├── ScenarioNotComputed
│   ├── UnknownAlertRule
│   ├── NoEarlierRun
│   ├── RunThinned
│   └── ChangesNotKept
├── Refused                    a table is refused, with each fault
│   ├── BadObservations
│   └── BadReleases
├── NotComparable              two runs whose forecasts cannot be compared
├── NotDerivable               the parts of a month exceed their whole
├── BackupFailed               a backup could not be written or restored
├── DatabaseNotEmpty           a backup can only be restored into an empty database
└── ServerFailed               the embedded PostgreSQL server did not start
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from errors import TradewindError

if TYPE_CHECKING:
    from tables import Fault


class StoreError(TradewindError):
    """Base class of errors of the store."""


class NotStored(StoreError, LookupError):
    """An item with this name does not exist."""


class UnknownDataset(NotStored):
    """No dataset has this code."""

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset
        super().__init__(f"no dataset is called {dataset}")


class UnknownSeries(NotStored):
    """A dataset has no such series."""

    def __init__(self, dataset: str, **keys: str | None) -> None:
        self.dataset, self.keys = dataset, {name: key for name, key in keys.items() if key is not None}
        requested = " ".join(f"{name} {key}" for name, key in self.keys.items())
        super().__init__(f"dataset {dataset} has no series" + (f" of {requested}" if requested else ""))


class UnknownPartner(NotStored):
    """No partner has this code."""

    def __init__(self, partner: str) -> None:
        self.partner = partner
        super().__init__(f"no partner has the code {partner}")


class UnknownSector(NotStored):
    """No sector has this code."""

    def __init__(self, sector: str) -> None:
        self.sector = sector
        super().__init__(f"no sector has the code {sector}")


class UnknownIndicator(NotStored):
    """No indicator has this code."""

    def __init__(self, indicator: str) -> None:
        self.indicator = indicator
        super().__init__(f"no indicator has the code {indicator}")


class UnknownEvent(NotStored):
    """No event has this code."""

    def __init__(self, event: str) -> None:
        self.event = event
        super().__init__(f"no event has the code {event}; /v1/events lists them")


class UnknownScenario(NotStored):
    """No stored scenario has this number."""

    def __init__(self, scenario: int) -> None:
        self.scenario = scenario
        super().__init__(f"no stored scenario has the number {scenario}")


class UnknownAdjustment(NotStored):
    """No adjustment has this number."""

    def __init__(self, adjustment: int) -> None:
        self.adjustment = adjustment
        super().__init__(f"no adjustment has the number {adjustment}")


class ScenarioNotComputed(NotStored):
    """A run that a stored scenario was not computed on."""

    def __init__(self, scenario: int, run: int, runs: Sequence[int]) -> None:
        self.scenario, self.run, self.runs = scenario, run, tuple(runs)
        super().__init__(f"scenario {scenario} was computed on the runs {', '.join(map(str, runs))}, not on run {run}")


class UnknownRegressor(NotStored):
    """A dataset has no regressor with this code."""

    def __init__(self, dataset: str, regressor: str) -> None:
        self.dataset, self.regressor = dataset, regressor
        super().__init__(f"dataset {dataset} has no regressor {regressor}")


class UnknownRun(NotStored):
    """No run has this number, or none is published."""

    def __init__(self, run: int | None = None, *, dataset: str | None = None) -> None:
        self.run, self.dataset = run, dataset
        super().__init__(f"no run {run}" if run is not None else f"no run of {dataset} is published yet")


class UnknownAlertRule(NotStored):
    """No alert rule has this number."""

    def __init__(self, rule: int) -> None:
        self.rule = rule
        super().__init__(f"no alert rule {rule}")


class NoEarlierRun(NotStored):
    """The first published run of its dataset."""

    def __init__(self, run: int) -> None:
        self.run = run
        super().__init__(f"no run of the dataset was published before run {run}")


class RunThinned(NotStored):
    """A run that retention has thinned to its forecasts and its record."""

    def __init__(self, run: int, thinned_on: date) -> None:
        self.run, self.thinned_on = run, thinned_on
        super().__init__(
            f"run {run} was thinned on {thinned_on}: its monthly forecasts are stored, "
            "its simulated paths and its backtest are not"
        )


class ChangesNotKept(NotStored):
    """Changes between two runs have not been attributed."""

    def __init__(self, run: int, against: int | None) -> None:
        self.run, self.against = run, against
        other = f" against run {against}" if against is not None else ""
        option = f" --against {against}" if against is not None else ""
        super().__init__(
            f"what changed in run {run}{other} is not kept; `tradewind changes {run}{option}` works it out"
        )


class NotComparable(StoreError, ValueError):
    """Two runs whose forecasts cannot be compared."""

    def __init__(self, run: int, against: int, reason: str) -> None:
        self.run, self.against, self.reason = run, against, reason
        super().__init__(f"run {run} cannot be compared with run {against}: {reason}")


class Refused(StoreError, ValueError):
    """A table that is refused, with each fault; nothing of it is stored."""

    def __init__(self, faults: "Sequence[Fault]", *, total: int | None = None) -> None:
        from tables import summary  # noqa: PLC0415 - it loads pandas

        self.faults, self.total = tuple(faults), len(faults) if total is None else total
        super().__init__(summary(self.faults, self.total))


class BadObservations(Refused):
    """Invalid observations; none of them is stored."""


class BadReleases(Refused):
    """Invalid due dates; none of them is stored."""


class NotDerivable(StoreError, ValueError):
    """The listed partners of a month add up to more than their whole: the world, or a group."""

    def __init__(self, dataset: str, sector: str, month: str, rest: float, whole: str = "WLD") -> None:
        self.dataset, self.sector, self.month, self.rest, self.whole = dataset, sector, month, rest, whole
        of = "the world" if whole == "WLD" else whole
        super().__init__(f"dataset {dataset}, {sector}, {month}: the listed partners exceed {of} by {-rest:g}")


class ServerFailed(StoreError, RuntimeError):
    """The embedded PostgreSQL could not be started or stopped."""

    def __init__(self, data_dir: str, reason: str) -> None:
        self.data_dir, self.reason = data_dir, reason
        super().__init__(f"the PostgreSQL server in {data_dir} failed: {reason}")


class BackupFailed(StoreError, RuntimeError):
    """A backup could not be written or restored."""

    def __init__(self, program: str, reason: str) -> None:
        self.program, self.reason = program, reason
        super().__init__(f"{program} failed: {reason}")


class DatabaseNotEmpty(StoreError, RuntimeError):
    """A backup can only be restored into an empty database."""

    def __init__(self, tables: int) -> None:
        self.tables = tables
        super().__init__(f"the database has {tables} tables; restore into an empty one, for example another --data-dir")
