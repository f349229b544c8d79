"""Query models of runs and of the changes between them."""

from typing import Literal

from pydantic import Field

from services.parameters import Code, Paged, RunId, RunSelection, StoredSeriesSelection


class RunsQuery(Paged):
    """Runs."""

    dataset: Code | None = Field(default=None, description="A dataset's code.")
    status: Literal["queued", "running", "published", "unchanged", "failed"] | None = Field(
        default=None, description="Only runs of this status."
    )


class EvidenceQuery(Paged, RunSelection):
    """The worth of a dataset's indicators."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of rows.")


class RunChangesQuery(StoredSeriesSelection):
    """Changes of forecasts since an earlier run."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of rows.")
    against: RunId | None = Field(
        default=None, description="The earlier run; the default is the published run before this one."
    )
    horizon: int | None = Field(default=None, ge=1, le=120, description="Only up to this many months ahead.")
