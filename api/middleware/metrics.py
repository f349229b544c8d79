"""What Prometheus reads: requests as they were answered, runs and observations as they are stored."""

from collections.abc import Iterator, Mapping
from datetime import date
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.config import ServerConfig
from store.queries import alerts, catalog, releases, runs

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
EPOCH = date(1970, 1, 1)
UNROUTED = "(none)"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestMetrics:
    """Requests by route and status, and how long they took, in a registry of the application's own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "tradewind_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "tradewind_request_seconds",
            "Seconds until the answer was sent.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._of: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; its own counter and histogram are looked for once."""
        key = method if method in METHODS else "OTHER", route, status
        if key not in self._of:
            self._of[key] = self.requests.labels(*key), self.seconds.labels(*key[:2])
        requests, taken = self._of[key]
        requests.inc()
        taken.observe(seconds)


class MetricsMiddleware:
    """Counts and times every request by its route's pattern, never by its path, of which there is no end."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        started = perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            route = getattr(scope.get("route"), "path", UNROUTED)
            self.metrics.note(scope["method"], route, status, perf_counter() - started)


class StoreCollector(Collector):
    """Runs and observations, read from the database when asked for; without a database it says so."""

    def __init__(self, engine: Engine, config: ServerConfig) -> None:
        self.engine, self.config = engine, config

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not need the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Gauges of the database as it is now."""
        try:
            with Session(self.engine) as session:
                overview, datasets = runs.overview(session), catalog.datasets(session)
                awaited = {dataset.id: releases.next_due(session, dataset.id) for dataset in datasets}
                opened = alerts.open_by_kind(session)
        except SQLAlchemyError:
            yield GaugeMetricFamily("tradewind_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("tradewind_database_up", "Whether the database answers.", value=1)
        yield from self._runs(overview)
        latest = GaugeMetricFamily(
            "tradewind_latest_month_timestamp_seconds", "First day of the last observed month.", labels=["dataset"]
        )
        for dataset in datasets:
            if dataset.end is not None:
                latest.add_metric([dataset.id], (dataset.end - EPOCH).total_seconds())
        yield latest
        yield from self._awaited(awaited, opened)

    def _awaited(
        self, awaited: Mapping[str, releases.ReleaseRecord | None], opened: Mapping[tuple[str, str], int]
    ) -> Iterator[Metric]:
        due = GaugeMetricFamily(
            "tradewind_next_release_timestamp_seconds", "When the next month is due.", labels=["dataset"]
        )
        for dataset, release in awaited.items():
            if release is not None:
                due.add_metric([dataset], release.due_from.timestamp())
        counts = GaugeMetricFamily("tradewind_alerts", "Open alerts by kind.", labels=["dataset", "kind"])
        for labels, number in opened.items():
            counts.add_metric(labels, number)
        return iter((due, counts))

    def _runs(self, overview: list[runs.DatasetRuns]) -> Iterator[Metric]:
        label = ["dataset"]
        published = GaugeMetricFamily(
            "tradewind_last_published_timestamp_seconds", "When a run was last published.", labels=label
        )
        age = GaugeMetricFamily("tradewind_last_published_age_seconds", "How long ago that is.", labels=label)
        counts = GaugeMetricFamily("tradewind_runs", "Runs by status.", labels=["dataset", "status"])
        for dataset in overview:
            for status, number in dataset.by_status.items():
                counts.add_metric([dataset.dataset_id, status], number)
            if dataset.published_at is not None:
                published.add_metric([dataset.dataset_id], dataset.published_at.timestamp())
                age.add_metric([dataset.dataset_id], (self.config.now() - dataset.published_at).total_seconds())
        return iter((published, age, counts))
