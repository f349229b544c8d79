"""Typed settings from the environment (TRADEWIND_), read by entry points only: docs/operations/settings.md."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator may change without touching code."""

    model_config = SettingsConfigDict(env_prefix="TRADEWIND_", frozen=True, extra="ignore")

    database_url: SecretStr | None = None
    """A PostgreSQL URL; by default an embedded server runs in the data directory."""
    data_dir: Path = Path("data")
    """Directory of the embedded PostgreSQL server, and of the fits of runs in progress."""
    host: str = "127.0.0.1"
    """The address the API listens on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port the API listens on."""
    threads: int = Field(default=20, ge=1, le=200)
    """API threads, and database connections held by the API."""
    statement_seconds: float = Field(default=60.0, ge=0)
    """Longest database statement of an API request, in seconds; 0 for no limit."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may read the API from a browser, separated by commas; `*` for all."""
    require_key_to_read: bool = False
    """Whether reading needs an API key with the scope `read`."""
    answer_cache_mb: int = Field(default=64, ge=0)
    """Memory for repeated answers from published runs, in megabytes; 0 turns the cache off."""
    max_upload_mb: int = Field(default=32, ge=1)
    """Largest table accepted by file or by request, in megabytes."""
    workers: int | None = Field(default=None, ge=1)
    """Processes that fit series; by default one a core."""
    executor: Literal["processes", "dask"] = "processes"
    """Executor of fits: processes of this machine, or the workers of a dask.distributed cluster."""
    dask_address: str | None = Field(default=None, validate_default=True)
    """The cluster's scheduler, such as tcp://10.0.0.5:8786."""
    folds: int = Field(default=36, ge=2, le=240)
    """Folds of the backtest behind a scheduled run."""
    horizon: int = Field(default=24, ge=1, le=60)
    """Months ahead that a scheduled run forecasts."""
    forecasters: Annotated[tuple[str, ...], NoDecode] = ()
    """Names of the forecasters to combine, separated by commas; all of them by default."""
    prophet: Annotated[dict[str, Any], NoDecode] = {}
    """Options of the forecaster prophet_library, as a JSON object."""
    dataset_forecasters: Annotated[dict[str, dict[str, Any]], NoDecode] = {}
    """`forecasters` and `prophet` of single datasets, as a JSON object by dataset."""
    seed: int = 20080101
    """Seed of all random numbers of a run."""
    feeds: Path | None = None
    """TOML file that assigns providers to datasets."""
    live: bool = False
    """Fetch new data of the bundled datasets from their publishers; a feeds file takes precedence."""
    comtrade_key: SecretStr | None = None
    """Subscription key of UN Comtrade; without it, the preview endpoint is used."""
    census_key: SecretStr | None = None
    """Key of the US Census Bureau's API; without it, the API accepts a few hundred requests a day."""
    source_addresses: Annotated[dict[str, str], NoDecode] = {}
    """Base URL overrides by provider, for example a mirror, as a JSON object."""
    tick_seconds: int = Field(default=60, ge=1)
    """Interval at which the scheduler checks for due work."""
    grace_hours: int = Field(default=24, ge=0, le=24 * 60)
    """Time after its due time at which a release counts as late."""
    poll_minutes: int = Field(default=10, ge=1)
    """Pause after the first request for a due release; it doubles after each request."""
    longest_poll_minutes: int = Field(default=240, ge=1)
    """Upper limit of this pause."""
    first_answers: bool = True
    """Whether a dataset without forecasts gets a preliminary run of few folds before its first full run."""
    keep_runs: int | None = Field(default=None, ge=2)
    """Newest published runs of each dataset that daily retention leaves whole; without it nothing is pruned."""
    keep_months: int = Field(default=12, ge=0)
    """Months whose runs retention leaves whole."""
    run_hours: float = Field(default=24.0, gt=0)
    """Longest duration of a scheduled run; a longer one is ended and alerted."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses of proxies whose X-Forwarded headers are believed, separated by commas; `*` for all."""
    webhook_url: str | None = Field(default=None, pattern=r"^https?://")
    """URL to which alerts are sent."""
    webhook_secret: SecretStr | None = Field(default=None, validate_default=True)
    """Key with which alerts are signed."""
    smtp_url: SecretStr | None = None
    """Mail server of alert rules, such as smtp://user:password@host:587 or smtps://...; none by default."""
    mail_from: str | None = Field(default=None, pattern=r"^[^@\s<>]+@[^@\s<>]+$", validate_default=True)
    """Sender's address of e-mails; needed with a mail server."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest severity that is logged."""

    @property
    def grace(self) -> timedelta:
        """Time after its due time at which a release counts as late."""
        return timedelta(hours=self.grace_hours)

    @property
    def fits(self) -> Path:
        """Folder of the fits of runs in progress."""
        return self.data_dir / "fits"

    @property
    def receives_data(self) -> bool:
        """Whether new data is fetched automatically."""
        return self.live or self.feeds is not None

    @property
    def max_upload_bytes(self) -> int:
        """Largest table accepted by file or by request, in bytes."""
        return self.max_upload_mb * 1_000_000

    @field_validator("forecasters", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("source_addresses", "prophet", "dataset_forecasters", mode="before")
    @classmethod
    def _read_object(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise ValueError('a JSON object is wanted, such as {"comtrade": "https://..."}') from error

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_is_signed(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("webhook_url") and not value:
            raise ValueError("TRADEWIND_WEBHOOK_URL needs a secret to sign with")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _address_of_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.match(r"smtps?://[^/\s]+/?$", value.get_secret_value()):
            raise ValueError("a mail server is written smtp://host:port or smtps://host:port")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_has_a_sender(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("smtp_url") and not value:
            raise ValueError("TRADEWIND_SMTP_URL needs the address that e-mails are sent from")
        return value

    @field_validator("dask_address")
    @classmethod
    def _address_of_cluster(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("executor") == "dask" and not value:
            raise ValueError("TRADEWIND_EXECUTOR=dask needs the address of the cluster's scheduler")
        return value
