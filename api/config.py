"""Configuration of the HTTP server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from forecasting.config import ForecastConfig
from services.runs.schedule import PollInterval


def _default_forecast(_dataset: str) -> ForecastConfig:
    return ForecastConfig()


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Deployment settings of the API, and the clock.

    `forecast` gives the configuration of runs of a dataset; a request may change the horizon, up to
    `max_horizon` months.
    `grace` is the time after the due moment from which a release counts as late. `threads` is the number of requests
    served at once; the engine's pool should have the same size. `answer_cache_bytes` bounds the cache of answers from
    published runs; 0 turns it off. `latest_run_seconds` is how long such an answer may still come from the run that was
    the latest. `docs_site` is the folder of the built documentation.
    `receives_data` says whether new data is fetched automatically, at the pauses of `poll_interval`. `cors_origins`
    are the origins whose pages may read the API from a browser. `sends_mail` says whether alert rules may have e-mails.
    """

    version: str
    now: Callable[[], datetime]
    forecast: Callable[[str], ForecastConfig] = _default_forecast
    require_key_to_read: bool = False
    grace: timedelta = timedelta(hours=24)
    threads: int = 20
    max_upload_bytes: int = 32_000_000
    max_horizon: int = 60
    answer_cache_bytes: int = 64_000_000
    latest_run_seconds: float = 1.0
    docs_site: Path | None = None
    receives_data: bool = False
    poll_interval: PollInterval = field(default_factory=PollInterval)
    cors_origins: tuple[str, ...] = ()
    sends_mail: bool = False
