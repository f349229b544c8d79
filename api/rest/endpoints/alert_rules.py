"""Alert rules: listed, created and deleted."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.exception_handlers import UnreadableBody
from api.http_cache import NO_STORE
from api.rest.responses import json_response, list_response, page_of
from api.rest.schemas.alert_rules import AlertRuleAnswer, AlertRulePage
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.alert_rules import alert_rule_answer
from services.alerts.alert_rules import create_rule
from services.parameters import GREATEST_ID
from services.queries.alert_rules import AlertRulesQuery, NewAlertRule
from store.queries import alert_rules, catalog

router = APIRouter(tags=["alerts"], responses=PROBLEM)
BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": NewAlertRule.model_json_schema()}}}
}


@router.get("/v1/alert-rules", dependencies=[Reader], responses={200: {"model": AlertRulePage}})
def read_alert_rules(query: Annotated[AlertRulesQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Alert rules, oldest first, each with the probability of its event in the latest run."""
    if query.dataset is not None:
        catalog.dataset(session, query.dataset)
    found = alert_rules.rules(session, query.dataset)
    return list_response(
        request,
        query,
        total=len(found),
        key="rules",
        items=[alert_rule_answer(rule) for rule in page_of(request, query, found)],
        columns=columns(AlertRuleAnswer),
        headers=NO_STORE,
    )


@router.post(
    "/v1/alert-rules",
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={201: {"model": AlertRuleAnswer}},
    openapi_extra=BODY,
)
def create_alert_rule(body: BodyDep, session: SessionDep, config: ConfigDep, catalogs: CatalogCacheDep) -> Response:
    """Create a rule: alert when the probability of an event reaches a share.

    The rule is evaluated whenever a run is published. Its alert is raised when the probability is at least the
    share, and cleared when it no longer is; both are delivered by webhook, and by e-mail where `email` is given.
    """
    rule = create_rule(session, catalogs, _new_rule(body), sends_mail=config.sends_mail, now=config.now())
    session.commit()
    return json_response(alert_rule_answer(rule), status=201, headers=NO_STORE)


@router.delete("/v1/alert-rules/{rule_id}", status_code=204, dependencies=[Writer, NoParameters])
def delete_alert_rule(rule_id: Annotated[int, Path(ge=1, le=GREATEST_ID)], session: SessionDep) -> Response:
    """Delete a rule and its alerts."""
    alert_rules.delete(session, rule_id)
    session.commit()
    return Response(status_code=204)


def _new_rule(body: bytes) -> NewAlertRule:
    try:
        return NewAlertRule.model_validate_json(body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
        raise UnreadableBody("; ".join(faults)) from error
