"""Errors of forecasting, built from data.

ForecastingError
├── PanelError                 the observations do not form a panel
│   ├── EmptyPanel
│   ├── MissingColumns
│   ├── DuplicateMonths
│   ├── GapInSeries
│   └── NotFinite
├── BadCutoff                  a cutoff at which nothing can be forecast
│   └── TooShortToEvaluate     a panel without a month to score
├── NoLunarNewYear             a year without a known Lunar New Year
├── UnknownForecaster          no forecaster has the name
├── InvalidProphetOption       an option of prophet_library is unknown or has a value that is not allowed
├── NotApplicable              a forecaster has no meaning for a series, such as intermittent demand for negative values
├── TooFewObservations         a series shorter than a forecaster's shortest history
├── ForecasterFailed           a forecaster failed on one series
└── Contradiction              conditions of a scenario that cannot be met together
"""

from collections.abc import Sequence

from errors import TradewindError


class ForecastingError(TradewindError, ValueError):
    """An error in a panel, a series or a forecaster."""


class PanelError(ForecastingError):
    """The observations do not form a panel."""


class EmptyPanel(PanelError):
    """There is no series or no observed month."""

    def __init__(self) -> None:
        super().__init__("the panel has no observation")


class MissingColumns(PanelError):
    """The long frame lacks columns."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(f"the panel lacks the column(s) {', '.join(columns)}")


class DuplicateMonths(PanelError):
    """A series has two values for one month."""

    def __init__(self, unique_id: str, month: str) -> None:
        self.unique_id, self.month = unique_id, month
        super().__init__(f"series {unique_id}: the month {month} appears more than once")


class GapInSeries(PanelError):
    """A series lacks a month between its first and its last."""

    def __init__(self, unique_id: str, month: str) -> None:
        self.unique_id, self.month = unique_id, month
        super().__init__(f"series {unique_id}: no value for {month}, between months with values")


class NotFinite(PanelError):
    """A value is NaN or infinite."""

    def __init__(self, unique_id: str, month: str, value: float) -> None:
        self.unique_id, self.month, self.value = unique_id, month, value
        super().__init__(f"series {unique_id}: the value for {month} is {value}")


class BadCutoff(ForecastingError):
    """No series has an observation at or before the cutoff, or the cutoff lies beyond the panel."""

    def __init__(self, cutoff: str, first: str, last: str) -> None:
        self.cutoff, self.first, self.last = cutoff, first, last
        super().__init__(f"cutoff {cutoff} is outside the panel, which spans {first} to {last}")


class TooShortToEvaluate(BadCutoff):
    """The panel has no month after its first one, so that no forecast of it can be scored."""

    def __init__(self, months: int, need: int) -> None:
        self.months, self.need = months, need
        ForecastingError.__init__(self, f"the panel has {months} month(s), an evaluation needs at least {need}")


class NoLunarNewYear(ForecastingError):
    """The date of the Lunar New Year is not known for a year."""

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(f"the Lunar New Year of {year} is not in the calendar: start the panel later")


class UnknownForecaster(ForecastingError):
    """No forecaster has the name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"there is no forecaster {name!r}; choose from {', '.join(known)}")


class InvalidProphetOption(ForecastingError):
    """An option of `prophet_library` is unknown or has a value that is not allowed."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"prophet option {name}={value!r}: expected {allowed}")


class TooFewObservations(ForecastingError):
    """A series is shorter than the shortest history a forecaster accepts."""

    def __init__(self, unique_id: str, *, have: int, need: int) -> None:
        self.unique_id, self.have, self.need = unique_id, have, need
        super().__init__(f"series {unique_id}: {have} observations, {need} needed")


class NotApplicable(ForecastingError):
    """A forecaster has no meaning for a series: it is left out there, which is no failure."""

    def __init__(self, unique_id: str, forecaster: str, reason: str) -> None:
        self.unique_id, self.forecaster, self.reason = unique_id, forecaster, reason
        super().__init__(f"series {unique_id}: {forecaster} does not apply: {reason}")


class ForecasterFailed(ForecastingError):
    """A forecaster returned no usable forecast of one series."""

    def __init__(self, unique_id: str, forecaster: str, reason: str) -> None:
        self.unique_id, self.forecaster, self.reason = unique_id, forecaster, reason
        super().__init__(f"series {unique_id}: {forecaster} failed: {reason}")


class Contradiction(ForecastingError):
    """Conditions that no path of this forecast can meet together."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the conditions contradict one another or cannot be met: {reason}")
