from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.source_status import source_lines
from sources.errors import UnknownProvider
from sources.feed_config import read_feeds
from sources.registry import access
from store.queries import fetch_attempts
from tests.integration.jobs.test_fetch import FEEDS, client
from tests.support.http_providers.local import Reply, local_provider


def lines(engine: Engine, directory: Path, address: str, key: str | None = None) -> dict[str, str]:
    path = directory / "feeds.toml"
    path.write_text(FEEDS, encoding="utf-8")
    reached = access({"comtrade": address}, {"comtrade": SecretStr(key) if key else None})
    reported = source_lines(engine=engine, feeds=read_feeds(path), access=reached, make_client=client)
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in reported}


def attempt(session: Session, hour: int, outcome: str, reason: str | None = None) -> None:
    moment = datetime(2026, 8, 21, hour, 30, tzinfo=UTC)
    given = {"dataset": "CN_PARTNERS", "source": "comtrade", "feed_hash": "0", "outcome": outcome, "reason": reason}
    fetch_attempts.record(session, started_at=moment, finished_at=moment, **given)  # type: ignore[arg-type]
    session.commit()


def test_each_source_says_whether_it_is_configured_and_reachable_and_how_it_went(
    own_engine: Engine, tmp_path: Path
) -> None:
    with local_provider() as provider:
        provider.answer = lambda _: Reply(status=404)
        reported = lines(own_engine, tmp_path, provider.address, key="s3cret")
        assert reported["comtrade"] == f"UN Comtrade: {provider.address}, key set, reachable"
        assert reported["census"].endswith("https://api.census.gov, no key, not asked, no feed")
        assert reported["CN_PARTNERS"] == "never fetched"
        with Session(own_engine) as session:
            attempt(session, 8, "unchanged")
            attempt(session, 9, "failed", "Refused: answered 500")
        provider.answer = lambda _: Reply(status=503)
        reported = lines(own_engine, tmp_path, provider.address)
    assert reported["comtrade"].endswith(f"no key, not reachable ({provider.address}: answered 503)")
    assert reported["CN_PARTNERS"] == (
        "last success 2026-08-21 08:30 UTC, last failure 2026-08-21 09:30 UTC: Refused: answered 500"
    )
    assert "not reachable" in lines(own_engine, tmp_path, provider.address)["comtrade"]


def test_an_address_for_nobody_is_refused() -> None:
    with pytest.raises(UnknownProvider, match="no provider is called comtrad; there are comtrade"):
        access({"comtrad": "http://127.0.0.1"}, {})
