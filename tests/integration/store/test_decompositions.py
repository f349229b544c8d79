from datetime import date

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session

from store.models import Decomposition
from store.queries import decompositions
from tests.support.factories import build_catalog, publish_run


def test_what_is_written_is_read_and_what_is_nothing_is_left_out(session: Session) -> None:
    build_catalog(session)
    run = publish_run(session, "CN_CLEANTECH")
    other = publish_run(session, "CN_TRADE")
    values = np.arange(12.0).reshape(2, 2, 3)
    values[0, 0, 0] = np.nan
    values[1, 1] = np.nan
    session.execute(sa.delete(Decomposition))
    ids = run.series_ids[:2].tolist()
    names = ("trend", "season")
    written = decompositions.write(
        session, run.run_id, series_ids=ids, names=names, start=np.datetime64("2020-05"), values=values
    )
    assert written == 3
    found = decompositions.of_series(session, run.run_id, ids)
    assert found[ids[0]].start == date(2020, 5, 1)
    assert found[ids[0]].values["trend"] == [None, 1.0, 2.0]
    assert found[ids[0]].values["season"] == [3.0, 4.0, 5.0]
    assert list(found[ids[1]].values) == ["trend"]
    assert decompositions.of_series(session, other.run_id, ids) == {}
