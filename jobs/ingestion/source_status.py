"""Status of each source: configured, reachable, last success, last failure and its reason."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.fetch import make_http_client
from jobs.ingestion.source_response import MakeClient
from sources.client import RequestPolicy
from sources.errors import SourceError
from sources.feed_config import Feed
from sources.provider import Access
from sources.registry import PROVIDERS
from store.queries import fetch_attempts
from store.queries.fetch_attempts import SourceRecord

REACHING = RequestPolicy(timeout=10.0, tries=1)


def source_lines(
    *,
    engine: Engine,
    feeds: Mapping[str, Feed],
    access: Mapping[str, Access],
    make_client: MakeClient = make_http_client,
) -> list[str]:
    """One line for each provider, followed by one for each of its feeds."""
    with Session(engine) as session:
        known = {record.dataset: record for record in fetch_attempts.sources(session).rows}
    lines = []
    for name, provider in PROVIDERS.items():
        fed = sorted(dataset for dataset, feed in feeds.items() if feed.source == name)
        where = access.get(name, Access(provider.address))
        key = ("key set, " if where.key else "no key, ") if provider.takes_key else ""
        reached = _reached(where, make_client) if fed else "not asked, no feed"
        lines.append(f"{name}  {provider.title}: {where.address or 'addresses of the feeds'}, {key}{reached}")
        lines += [f"  {dataset}  {_outcome(known.get(dataset))}" for dataset in fed]
    return lines


def _reached(where: Access, make_client: MakeClient) -> str:
    if not where.address:
        return "each feed its own"
    try:
        with make_client(REACHING, {}) as client:
            client.reach(where.address)
    except SourceError as error:
        return f"not reachable ({error})"
    return "reachable"


def _outcome(record: SourceRecord | None) -> str:
    if record is None:
        return "never fetched"
    outcome = f"last success {_minute(record.last_success_at)}"
    if record.last_failure_at is None:
        return outcome
    return f"{outcome}, last failure {_minute(record.last_failure_at)}: {record.last_failure}"


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
