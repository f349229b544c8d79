"""Options of the forecaster `prophet_library`: the library's own, as plain values of a configuration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from forecasting.errors import InvalidProphetOption

Growth = Literal["linear", "flat", "logistic"]
Mode = Literal["additive", "multiplicative"]
MonthValues = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ProphetOptions:
    """Arguments of `prophet.Prophet` and of its regressors, with the library's defaults where they suit monthly data.

    `capacity` is the cap of logistic growth as a multiple of the largest value. `log` fits the logarithm of a positive
    series. `holidays` has the months (YYYY-MM) of each named event, observed or ahead; each is dated by its first day,
    because other dates have no effect on monthly data. `regressors` has the values of named extra regressors by month
    (YYYY-MM), zero in other months. `calendar` adds the reporter's calendar regressors, and `regressor_prior_scale` is
    the prior scale of calendar and extra regressors, which are not standardized.
    """

    growth: Growth = "linear"
    capacity: float = 1.5
    log: bool = True
    n_changepoints: int = 25
    changepoint_range: float = 0.8
    changepoint_prior_scale: float = 0.05
    yearly_seasonality: int = 6
    seasonality_mode: Mode = "additive"
    seasonality_prior_scale: float = 10.0
    holidays: tuple[tuple[str, tuple[str, ...]], ...] = ()
    holidays_prior_scale: float = 10.0
    calendar: bool = True
    regressors: tuple[tuple[str, MonthValues], ...] = ()
    regressor_prior_scale: float = 0.5

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ProphetOptions":
        """The options in a JSON object; `holidays` and `regressors` are objects by name.

        Raises:
            InvalidProphetOption: an option is unknown, or its value is not allowed.
        """
        known = {field.name: field for field in fields(cls)}
        found = {}
        for name, value in values.items():
            if name not in known:
                raise InvalidProphetOption(name, value, f"one of {', '.join(known)}")
            found[name] = _read(name, value)
        options = cls(**found)
        options._check()
        return options

    def as_dict(self) -> dict[str, Any]:
        """The options as plain values; `from_dict` reads them."""
        values = asdict(self)
        values["holidays"] = {name: list(months) for name, months in self.holidays}
        values["regressors"] = {name: dict(by_month) for name, by_month in self.regressors}
        return values

    def _check(self) -> None:
        for name, kind in (("growth", Growth), ("seasonality_mode", Mode)):
            if getattr(self, name) not in get_args(kind):
                raise InvalidProphetOption(name, getattr(self, name), f"one of {', '.join(get_args(kind))}")
        positive = [field.name for field in fields(self) if field.name.endswith("_scale")]
        for name in ("capacity", "changepoint_range", *positive):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise InvalidProphetOption(name, value, "a positive number")
        for name in ("n_changepoints", "yearly_seasonality"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InvalidProphetOption(name, value, "a whole number of at least 0")


def _read(name: str, value: Any) -> Any:
    if name not in ("holidays", "regressors"):
        return value
    if not isinstance(value, Mapping):
        raise InvalidProphetOption(name, value, "an object by name")
    if name == "holidays":
        return tuple((key, tuple(months)) for key, months in value.items())
    return tuple((key, tuple(by_month.items())) for key, by_month in value.items())
