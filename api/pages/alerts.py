"""Alerts: rules of users with their probability in the latest run, and a form that adds one."""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.authentication import authenticate_key, may_read
from api.dependencies import CatalogCacheDep, ConfigDep, NoParameters, SessionDep, limited_body
from api.pages import error_messages
from api.pages.rendering import PageQuery, PageRoute, page
from errors import TradewindError
from presentation import links
from presentation.sections.alert_rules import rules_section
from presentation.sections.probability import offered_sentence, series_choices
from services.alerts.alert_rules import create_rule
from services.forecasts.event_probability import periods_offered
from services.parameters import Code
from services.queries.alert_rules import NewAlertRule
from services.runs.published_run import month_of, open_run
from store.queries import alert_rules, catalog, runs

router = APIRouter(route_class=PageRoute, include_in_schema=False)
NAVIGATION = (links.ALERTS, "Alerts")
FORM_BYTES, FORM_FIELDS = 4000, 20
PER_CENT = 100.0


class AlertsQuery(PageQuery):
    """The dataset of the form."""

    dataset: Code | None = None


async def form_body(request: Request) -> bytes:
    """The body of the form. Raises BodyTooLarge, UnsupportedBody."""
    return await limited_body(request, FORM_BYTES)


@router.get(links.ALERTS, dependencies=[Depends(may_read)])
def read_alerts_page(
    query: Annotated[AlertsQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Every rule, and the form."""
    return _alerts_page(query, request, session, options, catalogs, fields={}, fault="")


@router.post(links.ALERTS, dependencies=[Depends(may_read), NoParameters])
def add_rule(
    body: Annotated[bytes, Depends(form_body)],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Add a rule for the holder of a key with the scope `write`; otherwise show the form with the error."""
    fields = {
        name: values[0]
        for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS).items()
    }
    key = fields.pop("key", "").strip()
    try:
        authenticate_key(request, options, key, "write")
        create_rule(session, catalogs, _new_rule(fields), sends_mail=options.sends_mail, now=options.now())
    except (ValidationError, TradewindError) as error:
        session.rollback()
        query = AlertsQuery(dataset=fields.get("dataset"))
        return _alerts_page(query, request, session, options, catalogs, fields=fields, fault=_fault(error))
    session.commit()
    return RedirectResponse(links.ALERTS, HTTPStatus.SEE_OTHER)


def _alerts_page(
    query: AlertsQuery,
    request: Request,
    session: Any,
    options: Any,
    catalogs: Any,
    *,
    fields: dict[str, str],
    fault: str,
) -> Response:
    names = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    dataset = query.dataset or next((name for name in names if name == "CN_TRADE"), names[0] if names else None)
    has_run = dataset is not None and runs.latest_published(session, dataset) is not None
    published = open_run(session, catalogs, dataset) if dataset is not None and has_run else None
    periods = periods_offered(published, month_of(options.now().date())) if published else []
    answer = page(
        request,
        "alerts.html",
        title="Alerts",
        sections=[rules_section(alert_rules.rules(session))],
        query=query,
        published=published,
        datasets=[(name, name) for name in names],
        choices=series_choices(published) if published else {},
        periods=[(period.label, offered_sentence(period)) for period in periods],
        year=next((period.label for period in periods if period.kind == "year"), ""),
        sends_mail=options.sends_mail,
        fields=fields,
        fault=fault,
    )
    if fault:
        answer.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return answer


def _fields(body: bytes) -> dict[str, str]:
    """The fields of the form; none where there are more than it has."""
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _new_rule(fields: dict[str, str]) -> NewAlertRule:
    """The rule of a form: empty fields are not given, the probability is in per cent. Raises ValidationError."""
    given: dict[str, Any] = {name: value.strip() for name, value in fields.items() if value.strip()}
    for name in ("above", "below", "probability"):
        if name in given:
            given[name] = given[name].replace(",", "")
    try:
        given["probability"] = float(given["probability"]) / PER_CENT
    except (KeyError, ValueError):
        given["probability"] = None
    return NewAlertRule.model_validate(given)


def _fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        faults = [{**fault, "loc": fault["loc"] or ("rule",)} for fault in error.errors()]
        return error_messages.invalid_parameters(faults, list(NewAlertRule.model_fields))
    return f"{str(error)[:1].upper()}{str(error)[1:]}."
