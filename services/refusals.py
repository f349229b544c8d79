"""Questions about forecasts that have no answer here; each is a 422.

Unanswerable
├── NoWhole
├── ShareOfBalance
├── PeriodBeyondRun
├── PeriodObserved
├── NotOneForecast
└── NothingToConcentrate
"""

from api.exception_handlers import Unanswerable


class NoWhole(Unanswerable):
    """A share or a contribution of a total that the run does not forecast."""

    def __init__(self, unique_id: str, whole: str, of: str) -> None:
        self.unique_id, self.whole, self.of = unique_id, whole, of
        super().__init__(f"{unique_id} has no {of} total here: the run does not forecast {whole}")


class ShareOfBalance(Unanswerable):
    """A share of what may be zero or below."""

    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id
        super().__init__(f"{unique_id} has no share: a balance may be zero or below")


class PeriodBeyondRun(Unanswerable):
    """A period that ends after the last month forecast."""

    def __init__(self, period: str, last_month: str, run: int) -> None:
        self.period, self.last_month, self.run = period, last_month, run
        super().__init__(f"{period} ends after {last_month}, the last month that run {run} forecasts")


class PeriodObserved(Unanswerable):
    """A period of which nothing is to come."""

    def __init__(self, period: str, cutoff: str, run: int) -> None:
        self.period, self.cutoff, self.run = period, cutoff, run
        super().__init__(f"{period} is over: run {run} has seen every month up to {cutoff}; ask for observations")


class NotOneForecast(Unanswerable):
    """Several series where a chance is that of one."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"this is about one series, and {number} were chosen: give flow, partner and sector")


class NothingToConcentrate(Unanswerable):
    """No partner or sector of its own is forecast, only wholes."""

    def __init__(self, over: str, dataset: str) -> None:
        self.over, self.dataset = over, dataset
        super().__init__(f"dataset {dataset} has no single {over} here to count")
