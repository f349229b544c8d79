"""Creation of datasets with their first table."""

from fastapi import APIRouter, Response
from pydantic import ValidationError

from api.authentication import Writer
from api.dependencies import BodyDep, ConfigDep, NoParameters, SessionDep
from api.exception_handlers import UnreadableBody
from api.http_cache import NO_STORE
from api.rest.responses import json_response
from api.rest.schemas.datasets import ImportAnswer, NewDataset, TableLayout
from api.rest.schemas.problem import PROBLEM
from presentation import links
from services.datasets.datasets import ImportOptions, add_codes, add_own_codes, check_own_codes, import_table
from sources.observation_batch import DatasetDefinition
from sources.partner_names import country
from tables import Layout, make_dialect, read_table

router = APIRouter(tags=["catalog"], responses=PROBLEM)
# A reference to a definition would be relative to the whole document.
SCHEMA = NewDataset.model_json_schema()
SCHEMA["properties"]["layout"] = SCHEMA.pop("$defs")["TableLayout"]
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}}}


@router.post(
    "/v1/datasets",
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={200: {"model": ImportAnswer}, 201: {"model": ImportAnswer}},
    openapi_extra=BODY,
)
def create_dataset(body: BodyDep, session: SessionDep, config: ConfigDep) -> Response:
    """Create a dataset and import its table, all of it or nothing. A dataset that exists keeps its definition.

    With `dry_run` nothing is stored, and the status is 200. An error names row, column and reason; the header is row 1.
    """
    sent = _sent(body)
    layout, notices = _layout(sent.layout), list[str]()
    add_codes(session)
    check_own_codes(partners=sent.partners, sectors=sent.sectors)
    add_own_codes(session, partners=sent.partners, sectors=sent.sectors)
    names = {name: code for code, name in sent.partners.items()} | sent.partner_names
    imported = import_table(
        session,
        read_table(sent.table.encode(), media="csv", limit_bytes=config.max_upload_bytes, dialect=layout.dialect),
        dataset=sent.id,
        today=config.now().date(),
        options=ImportOptions(layout=layout, partners=names, backfill=sent.backfill, force=sent.force),
        create=_definition(sent),
        notify=notices.append,
    )
    if not sent.dry_run:
        session.commit()
    answer = {
        "dataset": sent.id,
        "dry_run": sent.dry_run,
        "summary": list(imported.summary),
        "notices": notices,
        **imported.appended._asdict(),
    }
    headers = NO_STORE | ({} if sent.dry_run else {"Location": links.api_dataset(sent.id)})
    return json_response(answer, status=200 if sent.dry_run else 201, headers=headers)


def _sent(body: bytes) -> NewDataset:
    try:
        return NewDataset.model_validate_json(body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
        raise UnreadableBody("; ".join(faults[:10])) from error


def _definition(sent: NewDataset) -> DatasetDefinition:
    return DatasetDefinition(
        id=sent.id,
        title=sent.title,
        reporter=country(sent.reporter, where="reporter"),
        currency=sent.currency,
        unit=sent.unit,
        publisher=sent.publisher,
        licence=sent.licence,
        citation=sent.citation or sent.publisher,
        release_day=sent.release_day,
        derives_rest=sent.derive_rest,
        allows_negative=sent.allow_negative,
    )


def _layout(sent: TableLayout) -> Layout:
    return Layout(
        dialect=make_dialect(
            separator=sent.separator, decimal=sent.decimal, thousands=sent.thousands, missing=sent.missing
        ),
        wide=sent.wide,
        columns=sent.map,
        constant=sent.constant,
        keep=tuple(sent.keep),
        drop=tuple(sent.drop),
        after_gaps=sent.after_gaps,
    )
