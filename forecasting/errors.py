"""What can go wrong in a forecast, as data.

ForecastingError
├── PanelError                 the figures cannot be a panel
│   ├── EmptyPanel
│   ├── MissingColumns
│   ├── DuplicateMonths
│   ├── GapInSeries
│   └── NotFinite
├── BadCutoff                  a cutoff at which nothing can be forecast
├── NoLunarNewYear             a year before the calendar of the Lunar New Year
├── UnknownForecaster          a name that no forecaster has
├── TooFewObservations         a series shorter than a forecaster's shortest history
└── ForecasterFailed           a forecaster gave up on one series
"""

from collections.abc import Sequence

from errors import TradewindError


class ForecastingError(TradewindError, ValueError):
    """Any fault of a panel, a series or a forecaster."""


class PanelError(ForecastingError):
    """The figures given cannot be read as a panel."""


class EmptyPanel(PanelError):
    """There is no series, or no observed month."""

    def __init__(self) -> None:
        super().__init__("the panel holds no observation")


class MissingColumns(PanelError):
    """The long frame lacks columns."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(f"the panel lacks the column(s) {', '.join(columns)}")


class DuplicateMonths(PanelError):
    """A series has a month twice."""

    def __init__(self, unique_id: str, month: str) -> None:
        self.unique_id, self.month = unique_id, month
        super().__init__(f"series {unique_id}: the month {month} appears more than once")


class GapInSeries(PanelError):
    """A series misses a month between its first and its last."""

    def __init__(self, unique_id: str, month: str) -> None:
        self.unique_id, self.month = unique_id, month
        super().__init__(f"series {unique_id}: no value for {month}, though months before and after it have one")


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


class NoLunarNewYear(ForecastingError):
    """A year in which the calendar does not know when the Lunar New Year is."""

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(f"the calendar does not know the Lunar New Year of {year}: begin the panel later")


class UnknownForecaster(ForecastingError):
    """A name that no forecaster has."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"there is no forecaster {name!r}; there are {', '.join(known)}")


class TooFewObservations(ForecastingError):
    """A series is shorter than the shortest history a forecaster accepts."""

    def __init__(self, unique_id: str, *, have: int, need: int) -> None:
        self.unique_id, self.have, self.need = unique_id, have, need
        super().__init__(f"series {unique_id}: {have} observations, {need} needed")


class ForecasterFailed(ForecastingError):
    """A forecaster gave no usable forecast of one series."""

    def __init__(self, unique_id: str, forecaster: str, reason: str) -> None:
        self.unique_id, self.forecaster, self.reason = unique_id, forecaster, reason
        super().__init__(f"series {unique_id}: {forecaster} failed: {reason}")
