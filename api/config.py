"""What the API is given by whoever starts it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run asked for over the web is to be made; horizon in months."""

    horizon: int
    seed: int
    config: dict[str, Any]
    config_hash: str
    code_version: str


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What differs between deployments, and the clock.

    `run_settings` returns the settings of a run of a dataset for a horizon in months, None for the deployment's own.
    `grace` is how long after its due moment a release counts as late.
    `threads` is how many requests are answered at once; the engine's pool should be as large.
    `receives_data` tells whether new data is fetched automatically.
    `docs_site` is the folder of the built documentation, if there is one.
    """

    version: str
    run_settings: Callable[[str, int | None], RunSettings]
    now: Callable[[], datetime]
    require_key_to_read: bool = False
    grace: timedelta = timedelta(hours=24)
    threads: int = 20
    max_upload_bytes: int = 32_000_000
    max_horizon: int = 60
    docs_site: Path | None = None
    receives_data: bool = False
