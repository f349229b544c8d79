"""Collaborators of commands: settings, database, configuration, executor, feeds and the clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from cli.console import stop
from settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlmodel import Session

    from api.config import ServerConfig
    from cli.in_process import InProcessTransport
    from forecasting.config import ForecastConfig
    from jobs.execution.executors import ExecutorFactory
    from jobs.scheduling.mail import MailServer
    from services.runs.schedule import PollInterval
    from sources.feed_config import Feed
    from sources.provider import Access
    from tradewind.client import Client

IN_PROCESS = "http://tradewind.invalid"
"""The address that requests within the process carry."""


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def read_settings(**given: Any) -> Settings:
    """Settings from the environment, overridden by the command line; configures logging."""
    from jobs.logging import configure_logs

    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    configure_logs(settings.log_level)
    return settings


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the configured server, or of an embedded one."""
    from store import embedded_postgres

    if settings.database_url is not None:
        yield _checked_url(settings.database_url.get_secret_value())
        return
    with embedded_postgres.start(settings.data_dir) as url:
        yield url


def _checked_url(url: str) -> str:
    """The URL, if it is a PostgreSQL URL; errors do not show it, because it may hold a password."""
    from sqlalchemy.exc import ArgumentError

    from store.database import normal_url

    try:
        normal_url(url)
        understood = url.startswith("postgres")
    # A port that is no number is a ValueError.
    except (ArgumentError, ValueError):
        understood = False
    if not understood:
        stop("TRADEWIND_DATABASE_URL must be a PostgreSQL URL, such as postgresql://user@host:5432/name", 2)
    return url


@contextmanager
def engine(settings: Settings) -> "Iterator[Engine]":
    """An engine of that database, disposed of at the end of the block."""
    from store.database import make_engine

    with database(settings) as url:
        engine = make_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def session(settings: Settings) -> "Iterator[Session]":
    """A session on that database; the caller commits."""
    from sqlmodel import Session

    with engine(settings) as connected, Session(connected) as opened:
        yield opened


def forecast_config(settings: Settings, dataset: str | None = None) -> "ForecastConfig":
    """The configuration of scheduled runs, with the forecasters and options set for a dataset.

    A bundled dataset may have a horizon and folds of its own.
    """
    from forecasting.config import ForecastConfig
    from forecasting.errors import InvalidProphetOption
    from forecasting.prophet_options import ProphetOptions
    from sources import bundled

    own = settings.dataset_forecasters.get(dataset or "", {})
    try:
        prophet = ProphetOptions.from_dict(own.get("prophet", settings.prophet))
    except InvalidProphetOption as error:
        stop(str(error), 2)
    config = ForecastConfig(
        horizon=settings.horizon,
        folds=settings.folds,
        seed=settings.seed,
        forecasters=tuple(own.get("forecasters", settings.forecasters)),
        prophet=prophet,
    )
    return replace(config, **bundled.config(dataset or ""))


def configured_datasets(settings: Settings) -> set[str]:
    """The datasets whose forecasts have a configuration of their own."""
    from sources import bundled

    return {*settings.dataset_forecasters, *(code for code in bundled.definitions() if bundled.config(code))}


def poll_interval(settings: Settings) -> "PollInterval":
    """Pauses between polls of a source."""
    from services.runs.schedule import PollInterval

    return PollInterval(timedelta(minutes=settings.poll_minutes), timedelta(minutes=settings.longest_poll_minutes))


def mail_server(settings: Settings) -> "MailServer | None":
    """The mail server of alert rules, if one is set."""
    from jobs.scheduling.mail import MailServer

    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return MailServer(settings.smtp_url.get_secret_value(), settings.mail_from)


def executor(settings: Settings) -> "ExecutorFactory":
    """The executor on which series are fitted."""
    if settings.dask_address is None or settings.executor != "dask":
        from jobs.execution.executors import process_pool

        return partial(process_pool, settings.workers)
    try:
        from jobs.execution.dask_cluster import dask_cluster
    except ModuleNotFoundError as error:
        stop(f"TRADEWIND_EXECUTOR=dask needs {error.name}: pip install 'tradewind[cluster]'", 2)
    return partial(dask_cluster, settings.dask_address)


def feeds(settings: Settings) -> "dict[str, Feed]":
    """Feeds by dataset: of the feeds file, or the bundled feeds where `live` is set; otherwise the command ends."""
    from sources.feed_config import BUNDLED, read_feeds

    if not settings.receives_data:
        stop("no feeds: set TRADEWIND_FEEDS or TRADEWIND_LIVE, see docs/operations/sources.md", 2)
    return read_feeds(settings.feeds or BUNDLED)


def access(settings: Settings) -> "dict[str, Access]":
    """Base URL and key of each provider; the key of provider P is the setting TRADEWIND_P_KEY."""
    from sources import registry

    keys = {name: getattr(settings, f"{name}_key") for name, known in registry.PROVIDERS.items() if known.takes_key}
    return registry.access(settings.source_addresses, keys)


def server_config(settings: Settings) -> "ServerConfig":
    """The configuration of the HTTP server."""
    from importlib.metadata import version

    from api.config import ServerConfig
    from api.documentation import SITE

    return ServerConfig(
        version=version("tradewind"),
        now=now,
        forecast=partial(forecast_config, settings),
        require_key_to_read=settings.require_key_to_read,
        grace=settings.grace,
        threads=settings.threads,
        max_upload_bytes=settings.max_upload_bytes,
        answer_cache_bytes=settings.answer_cache_mb * 1_000_000,
        docs_site=SITE,
        receives_data=settings.receives_data,
        poll_interval=poll_interval(settings),
        cors_origins=settings.cors_origins,
        sends_mail=settings.smtp_url is not None,
    )


@contextmanager
def service(settings: Settings, server: str | None, key: str | None) -> "Iterator[Client]":
    """The service at an address, or the configured database through the same API in this process.

    An answer that is an error ends the command.
    """
    from tradewind.client import Client, NoAnswer, ServiceError

    try:
        if server is not None:
            with Client(server, key=key) as client:
                yield client
            return
        with engine(settings) as connected, Client(IN_PROCESS, transport=_in_process(settings, connected)) as client:
            yield client
    except ServiceError as error:
        stop(error.detail, 2 if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else 1)
    except NoAnswer as error:
        stop(str(error), 1)


def _in_process(settings: Settings, engine: "Engine") -> "InProcessTransport":
    from api.app import create_app
    from cli.in_process import InProcessTransport

    # The process has the database already: a key would protect nothing.
    options = replace(server_config(settings), require_key_to_read=False, answer_cache_bytes=0)
    return InProcessTransport(create_app(engine=engine, options=options))
