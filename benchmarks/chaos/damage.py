"""Damage of a fault: acknowledged writes that are lost, and runs of which a part is published."""

import time
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from benchmarks.chaos.service import HORIZON, PARTNERS, World

QUANTILES = 9


class Damage(NamedTuple):
    """Numbers of lost acknowledged writes, and of runs of which a part is published."""

    lost: int
    half_published: int


def find_damage(world: World) -> Damage:
    """Compare the database, which may still recover, with the acknowledged writes."""
    for _ in range(20):
        try:
            with world.engine.connect() as connection:
                return _damage(connection, dict(world.client.observations), list(world.client.runs))
        except OperationalError:
            time.sleep(0.5)
    return Damage(len(world.client.observations), 0)


def _damage(connection: sa.Connection, observations: dict[date, float], runs: Sequence[int]) -> Damage:
    query = sa.text(
        "SELECT o.vintage, o.value FROM observation o JOIN series s ON s.id = o.series_id AND s.partner = 'USA'"
    )
    stored = {row.vintage: row.value for row in connection.execute(query)}
    lost = sum(stored.get(vintage) != value for vintage, value in observations.items())
    known = set(connection.scalars(sa.text("SELECT id FROM run")))
    lost += len(set(runs) - known)
    given = {"series": len(PARTNERS), "horizon": HORIZON, "quantiles": QUANTILES}
    return Damage(lost, connection.execute(_HALF_PUBLISHED, given).scalar_one())


_HALF_PUBLISHED = sa.text("""
    SELECT count(*) FROM (
        SELECT r.status, (SELECT count(*) FROM forecast f WHERE f.run_id = r.id) AS months,
               (SELECT count(*) FROM forecast_quantile q, unnest(q.values) WHERE q.run_id = r.id) AS quantiles,
               (SELECT count(*) FROM forecast_path p WHERE p.run_id = r.id) AS paths
        FROM run r
    ) AS written
    WHERE ARRAY[months, quantiles, paths] <> CASE status
        WHEN 'published' THEN ARRAY[:series * :horizon, :series * :horizon * :quantiles, :series]::bigint[]
        ELSE ARRAY[0, 0, 0]::bigint[] END
""")
