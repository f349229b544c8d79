"""Client of a Tradewind service: forecasts, probabilities and observations as pandas frames.

It needs httpx and pandas only. Codes, units, periods and parameters are those of the REST API.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import httpx
import pandas as pd

from errors import TradewindError

Flow = Literal["X", "M", "B"]
Units = Literal["lin", "chg", "pch", "pc1", "ch1", "log", "share", "contribution"]
Frequency = Literal["M", "Q", "A", "YTD", "JF"]
Whole = Literal["partner", "sector", "total"]
Effect = Literal["seasonal", "calendar"]
Codes = str | Sequence[str]
"""One code, or several."""
TEXT_COLUMNS = ("unique_id", "month", "period", "flow", "partner", "sector", "dataset", "unit", "reason", "adjusted")
DAY_COLUMNS = ("date", "vintage")
EXACT = 17
"""Significant digits that distinguish any two floating point numbers."""


class ServiceError(TradewindError):
    """An answer of the service that is an error: its status, and the members of its problem document."""

    def __init__(self, status: int, title: str, detail: str, *, address: str) -> None:
        self.status, self.title, self.detail, self.address = status, title, detail, address
        super().__init__(f"{detail} ({status} {title}, {address})")


class NoAnswer(TradewindError):
    """The service cannot be reached, or what answers is not Tradewind."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"{address}: {reason}")


@dataclass(frozen=True, slots=True)
class Probability:
    """The probability of an event in a period, and the forecast of the period in `unit`.

    `probability`, `standard_error`, `mean` and `median` are None where there is no answer; `reason` says why.
    `intervals` are lo and hi by level in per cent.
    """

    unique_id: str
    period: str
    unit: str
    above: float | None
    below: float | None
    probability: float | None
    standard_error: float | None
    mean: float | None
    median: float | None
    intervals: Mapping[float, tuple[float | None, float | None]]
    reason: str | None
    run: int
    cutoff: str


class Client:
    """A service at `url`; `key` is an API key where the service needs one. Usable as a context manager.

    Every method raises ServiceError for an answer that is an error, and NoAnswer where there is none.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers=headers,
            timeout=timeout,
            transport=transport or httpx.HTTPTransport(retries=2),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def forecast(
        self,
        dataset: str,
        *,
        flow: Flow | Sequence[Flow] | None = None,
        partner: Codes | None = None,
        sector: Codes | None = None,
        units: Units | None = None,
        frequency: Frequency | None = None,
        horizon: int | None = None,
        period: str | None = None,
        level: float | Sequence[float] | None = None,
        quantile: float | Sequence[float] | None = None,
        of: Whole | None = None,
        history: bool = False,
        run: int | None = None,
        as_of: str | None = None,
    ) -> pd.DataFrame:
        """Forecasts, a row for each series, period and level: mean, median, lo and hi in `unit`.

        With `history` the observed periods come first, with a `value` and a step of 0 or below.
        """
        parameters: dict[str, Any] = {
            "flow": flow,
            "partner": partner,
            "sector": sector,
            "units": units,
            "frequency": frequency,
        }
        parameters |= {"horizon": horizon, "period": period, "level": level, "quantile": quantile, "of": of}
        parameters |= {"include": "history" if history else None, "run": run, "as_of": as_of}
        return self.table(f"/v1/datasets/{dataset}/forecasts", parameters)

    def probability(
        self,
        dataset: str,
        *,
        period: str,
        above: float | None = None,
        below: float | None = None,
        flow: Flow | None = None,
        partner: str | None = None,
        sector: str | None = None,
        units: Units | None = None,
        of: Whole | None = None,
        level: float | Sequence[float] | None = None,
        run: int | None = None,
        as_of: str | None = None,
    ) -> Probability:
        """The probability that one series lies above, below or between thresholds in a period."""
        parameters: dict[str, Any] = {
            "period": period,
            "above": above,
            "below": below,
            "flow": flow,
            "partner": partner,
            "sector": sector,
        }
        parameters |= {"units": units, "of": of, "level": level, "run": run, "as_of": as_of}
        found = self.json(f"/v1/datasets/{dataset}/forecasts/probability", parameters)
        same = ("unique_id", "period", "unit", "above", "below", "probability", "standard_error", "mean", "median")
        intervals = {interval["level"]: (interval["lo"], interval["hi"]) for interval in found["intervals"]}
        return Probability(
            **{name: found[name] for name in same},
            intervals=intervals,
            reason=found["reason"],
            run=found["run"]["id"],
            cutoff=found["run"]["cutoff"],
        )

    def observations(
        self,
        dataset: str,
        *,
        flow: Flow | Sequence[Flow] | None = None,
        partner: Codes | None = None,
        sector: Codes | None = None,
        start: str | None = None,
        end: str | None = None,
        units: Units | None = None,
        frequency: Frequency | None = None,
        of: Whole | None = None,
        adjusted: Effect | Sequence[Effect] | None = None,
        updated_after: str | None = None,
        as_of: str | None = None,
    ) -> pd.DataFrame:
        """Observed values, a row for each series and period, as known on `as_of` or now."""
        parameters: dict[str, Any] = {
            "flow": flow,
            "partner": partner,
            "sector": sector,
            "start": start,
            "end": end,
            "units": units,
        }
        parameters |= {"frequency": frequency, "of": of, "adjusted": adjusted}
        parameters |= {"updated_after": updated_after, "as_of": as_of}
        return self.table(f"/v1/datasets/{dataset}/observations", parameters)

    def datasets(self) -> pd.DataFrame:
        """The datasets: unit, publisher, licence, first and last month."""
        return self.table("/v1/datasets", {})

    def series(self, dataset: str, *, search: str | None = None) -> pd.DataFrame:
        """The stored series of a dataset; `search` is part of the code or the name of a partner or a sector."""
        return self.table(f"/v1/datasets/{dataset}/series", {"q": search})

    def runs(self, dataset: str | None = None) -> pd.DataFrame:
        """Runs, newest first."""
        return self.table("/v1/runs", {"dataset": dataset})

    def backtest(
        self,
        dataset: str,
        *,
        flow: Flow | Sequence[Flow] | None = None,
        partner: Codes | None = None,
        sector: Codes | None = None,
        by: Literal["step", "forecaster", "series"] = "step",
        run: int | None = None,
    ) -> pd.DataFrame:
        """Scores of the backtest, each beside that of the baseline."""
        parameters: dict[str, Any] = {"flow": flow, "partner": partner, "sector": sector, "by": by, "run": run}
        return self.table(f"/v1/datasets/{dataset}/backtests", parameters)

    def table(self, path: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
        """A list of the REST API, whole; its address is in `attrs["address"]`."""
        response = self._get(path, {**parameters, "format": "csv", "digits": EXACT})
        # Codes such as NA are text, and only an empty cell is missing.
        text = dict.fromkeys(TEXT_COLUMNS, str)
        frame = pd.read_csv(
            io.StringIO(response.text), dtype=text, keep_default_na=False, na_values=[""], float_precision="round_trip"
        )
        for name in DAY_COLUMNS:
            if name in frame:
                frame[name] = pd.to_datetime(frame[name])
        frame.attrs["address"] = str(response.url)
        return frame

    def json(self, path: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """An answer of the REST API."""
        response = self._get(path, parameters)
        try:
            found = response.json()
        except ValueError as error:
            raise NoAnswer(str(response.url), "the answer is not JSON; is this a Tradewind service?") from error
        return dict(found)

    def _get(self, path: str, parameters: Mapping[str, Any]) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            response = self._http.get(path, params=given)
        except httpx.HTTPError as error:
            raise NoAnswer(f"{self._http.base_url}{path}", f"no answer: {error or type(error).__name__}") from error
        if response.is_error:
            raise _service_error(response)
        return response


def _service_error(response: httpx.Response) -> ServiceError:
    address = str(response.url)
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    detail = str(problem.get("detail") or "the answer has no explanation; is this a Tradewind service?")
    return ServiceError(response.status_code, str(problem.get("title") or "error"), detail, address=address)
