"""The facts that a table of a dataset carries into Parquet and Excel."""

from sqlmodel import Session

from forecasting.data.months import format_month
from store.queries import catalog
from store.queries.catalog import DatasetRecord
from store.queries.runs import PublishedRunRecord


def table_facts(session: Session, dataset_id: str, run: PublishedRunRecord | None = None) -> dict[str, str]:
    """The facts of a dataset by its code. Raises UnknownDataset."""
    return facts_of(catalog.dataset(session, dataset_id), run)


def facts_of(dataset: DatasetRecord, run: PublishedRunRecord | None = None) -> dict[str, str]:
    """Dataset, publisher, licence and citation, and the run with its day and its last observed month."""
    facts = {name: str(getattr(dataset, name)) for name in ("title", "publisher", "licence", "citation")}
    if run is None:
        return {"dataset": dataset.id, **facts}
    of_run = {"run": str(run.id), "as_of": str(run.as_of), "cutoff": format_month(run.cutoff)}
    return {"dataset": dataset.id, **facts, **of_run, "code_version": run.code_version}
