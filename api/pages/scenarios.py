"""Scenarios: built from one statement, stored, watched over runs, and compared."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, field_validator

from api.authentication import authenticate_key, may_read
from api.dependencies import CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.exception_handlers import UnreadableBody
from api.pages.rendering import PageQuery, PageRoute, page
from api.pages.scenario_choices import PREFERRED_PARTNER, offered_periods, preferred_dataset, presets, scenario_link
from api.pages.sign_in import FormDep
from api.rest.path_parameters import ScenarioPath
from forecasting.analysis.periods import Period, parse_period
from presentation import formatting, links
from presentation.scenario_texts import KINDS, scenario_name, statement_texts
from presentation.sections import scenarios as sections
from presentation.sections.probability import offered_sentence, series_choices
from services.parameters import Code, PeriodText, RunId
from services.queries.scenarios import Numbers
from services.runs.published_run import PublishedRun, citation, month_of, open_run
from services.scenarios.scenario_form import Kind, Statement, with_report, year_shown
from store.errors import RunThinned
from store.models import ResolvedSeries
from store.queries import catalog, scenarios
from store.queries.scenarios import ScenarioRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False)
READ = [Depends(may_read)]
NAVIGATION = (links.scenarios(), "Scenarios")
LISTED = 50
FORM_FIELDS = 20


class ScenarioQuery(PageQuery):
    """One statement about one series in one period, and the series to show."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    period: PeriodText | None = None
    kind: Kind = "growth"
    value: float | None = Field(default=None, allow_inf_nan=False)
    diversion: float | None = Field(default=None, ge=0, le=100, description="In per cent.")
    shown: Code | None = None

    @field_validator("value", "diversion", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return (value.replace(",", "").strip() or None) if isinstance(value, str) else value


class StoredScenarioPageQuery(PageQuery):
    """The run, and the partner to show."""

    run: RunId | None = None
    shown: Code | None = None


class ComparisonPageQuery(PageQuery):
    """The scenarios, and the partner to show."""

    scenario: Numbers = Field(min_length=1)
    shown: Code | None = None


@router.get("/scenarios", dependencies=READ)
def build(
    query: Annotated[ScenarioQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """A form for one statement, the forecasts under it beside the baseline, and the stored scenarios."""
    published = open_run(session, catalogs, query.dataset or preferred_dataset(session), query.run)
    statement = _statement(published, query)
    shown = _shown(published, statement.series, query.shown)
    year = year_shown(published, statement.last)
    permalink = links.absolute(request.base_url, scenario_link(published, statement, shown=query.shown))
    found: dict[str, Any] = {"sections": [], "result": None}
    if query.value is not None:
        from services.scenarios.scenarios import evaluate_scenario  # noqa: PLC0415 - it loads SciPy

        scenario = with_report(
            published, {"name": scenario_name(published, statement), **statement.body()}, shown, year
        )
        answer = evaluate_scenario(session, catalogs, published.run, scenario)
        body = scenario.model_dump_json(exclude_none=True, exclude_defaults=True)
        call = sections.ApiCall(links.api_scenarios(published.dataset.id), body)
        found = _result(published, {"Scenario": answer}, shown, year, call)
        found["mail"] = _mail(scenario.name, found["result"], permalink)
    record = published.dataset.id
    return page(
        request,
        "scenarios.html",
        title="Scenarios",
        query=query,
        published=published,
        statement=statement,
        name=scenario_name(published, statement),
        kinds=list(KINDS.items()),
        periods=[
            (offered.label, offered_sentence(offered))
            for offered in offered_periods(published, options.now().date(), statement.period)
        ],
        choices=series_choices(published),
        datasets=[(dataset.id, dataset.id) for dataset in catalog.datasets(session) if dataset.series],
        shown=shown,
        presets=presets(published),
        stored=scenarios.page(session, dataset=record, limit=LISTED).rows,
        permalink=permalink,
        citation=citation(published, "scenario", permalink),
        **found,
    )


@router.post("/scenarios", dependencies=[NoParameters])
def store(
    body: FormDep, request: Request, session: SessionDep, options: ConfigDep, catalogs: CatalogCacheDep
) -> Response:
    """Store the scenario of the form for the holder of a key with the scope `judge`."""
    from services.scenarios.stored_scenarios import store_scenario  # noqa: PLC0415 - it loads SciPy

    fields = _fields(body)
    about = {name: fields.pop(name, "").strip() for name in ("name", "author", "reason", "key")}
    authenticate_key(request, options, about["key"], "judge")
    if not (about["author"] and about["reason"]):
        raise UnreadableBody("give the author and the reason of the scenario")
    query = ScenarioQuery.model_validate(fields)
    published = open_run(session, catalogs, query.dataset or "", query.run)
    statement = _statement(published, query)
    shown = _shown(published, statement.series, query.shown)
    stated = {**statement.body(), "name": about["name"][:120] or scenario_name(published, statement)}
    stated |= {"author": about["author"][:120], "reason": about["reason"][:2000]}
    scenario = with_report(published, stated, shown, year_shown(published, statement.last))
    number = store_scenario(session, catalogs, published.run, scenario, now=options.now())
    session.commit()
    return RedirectResponse(links.scenario_page(number), HTTPStatus.SEE_OTHER)


@router.get("/scenarios/comparison", dependencies=READ)
def compare(
    query: Annotated[ComparisonPageQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """Stored scenarios of a dataset in one chart, on its latest run."""
    records = [scenarios.find(session, number) for number in query.scenario]
    published = open_run(session, catalogs, records[0].dataset_id)
    others = [record.id for record in records if record.dataset_id != published.dataset.id]
    if others:
        raise UnreadableBody(f"scenario {others[0]} is of another dataset than scenario {records[0].id}")
    shown = _shown(published, published.main(published.flows[0]), query.shown)
    year = year_shown(published, max(month_of(record.ends) for record in records))
    answers = {f"{record.id}: {record.name}": _answer(published, catalogs, record, shown, year) for record in records}
    call = sections.ApiCall(links.api_scenario_comparison(query.scenario))
    address = links.scenario_comparison(scenario=query.scenario, shown=query.shown)
    permalink = links.absolute(request.base_url, address)
    return page(
        request,
        "scenario_comparison.html",
        title="Compare scenarios",
        query=query,
        published=published,
        records=records,
        sections=[sections.forecast_section(published, shown, answers, call)],
        sentences=[
            (record, sections.effect_sentence(published, shown, answer, year))
            for record, answer in zip(records, answers.values(), strict=True)
        ],
        choices=series_choices(published),
        shown=shown,
        mail=_mail("Comparison of scenarios", "", permalink),
        permalink=permalink,
        citation=citation(published, "comparison of scenarios", permalink),
    )


@router.get("/scenarios/{scenario_id}", dependencies=READ)
def read(
    scenario_id: ScenarioPath,
    query: Annotated[StoredScenarioPageQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """A stored scenario: its forecasts on a run, its history, and outcomes."""
    from services.scenarios.stored_scenarios import rows_of, scores  # noqa: PLC0415 - it loads SciPy

    record = scenarios.find(session, scenario_id)
    stored = scenarios.forecasts(session, record.id)
    computed = [forecast for forecast in stored if forecast.fault is None]
    run = computed[-1].run_id if query.run is None else scenarios.forecast_of(stored, query.run).run_id
    published = open_run(session, catalogs, record.dataset_id, run)
    first = rows_of(session, catalogs, computed[0])
    shown = _shown(published, first[0].series, query.shown)
    year = year_shown(published, month_of(record.ends))
    try:
        answer = _answer(published, catalogs, record, shown, year)
        call = sections.ApiCall(links.api_scenario(record.id, run=run))
        found = _result(published, {"Scenario": answer}, shown, year, call)
    except RunThinned as error:
        found = {"sections": [], "result": "", "method": f"{error}. The stored results remain."}
    followed = [(forecast, _followed(rows_of(session, catalogs, forecast), first)) for forecast in stored]
    found["sections"].append(sections.history_section(published, record, followed))
    if outcomes := scores(session, catalogs, record, stored[0]):
        found["sections"].append(sections.score_section(published, record, outcomes))
    permalink = links.absolute(request.base_url, links.scenario_page(record.id, run=query.run))
    latest = open_run(session, catalogs, record.dataset_id)
    return page(
        request,
        "scenario.html",
        title=record.name,
        query=query,
        published=published,
        record=record,
        over=latest.cutoff >= record.ends,
        choices=series_choices(published),
        shown=shown,
        statements=statement_texts(record),
        mail=_mail(record.name, found["result"], permalink),
        permalink=permalink,
        citation=citation(published, f"scenario {record.id}: {record.name}", permalink),
        **found,
    )


def _followed(rows: list[Any], first: list[Any]) -> Any:
    """The row of the last year of the first question, in the rows of a run."""
    years = [row for row in first if row.period.kind == "year"] or first
    wanted = [row for row in years if row.question == years[0].question][-1]
    same = (row for row in rows if (row.question, row.period) == (wanted.question, wanted.period))
    return next(same, None)


def _answer(
    published: PublishedRun, catalogs: CatalogCacheDep, record: ScenarioRecord, shown: ResolvedSeries, year: Period
) -> Any:
    from services.scenarios.scenarios import evaluate_scenario  # noqa: PLC0415 - it loads SciPy
    from services.scenarios.stored_scenarios import ahead, stated  # noqa: PLC0415 - as above

    statement = ahead(stated(record), published.run).model_dump(mode="json")
    scenario = with_report(published, statement, shown, year)
    return evaluate_scenario(published.session, catalogs, published.run, scenario)


def _result(
    published: PublishedRun, answers: Mapping[str, Any], shown: ResolvedSeries, year: Period, call: sections.ApiCall
) -> dict[str, Any]:
    """The chart and the effects of one scenario, with a sentence about each."""
    (answer,) = answers.values()
    return {
        "sections": [
            sections.forecast_section(published, shown, answers, call),
            sections.effects_section(published, answer, year, call),
        ],
        "result": sections.effect_sentence(published, shown, answer, year),
        "method": sections.method_sentence(answer),
    }


def _statement(published: PublishedRun, query: ScenarioQuery) -> Statement:
    main = published.main(query.flow or published.flows[0])
    partner = query.partner or (PREFERRED_PARTNER if PREFERRED_PARTNER in published.catalog.codes[1] else main.partner)
    series = published.choose(main.flow, partner, query.sector or main.sector)
    period = (
        parse_period(query.period) if query.period else year_shown(published, published.last + published.run.horizon)
    )
    return Statement(series, period, query.kind, query.value or 0.0, (query.diversion or 0.0) / 100)


def _shown(published: PublishedRun, series: ResolvedSeries, partner: str | None) -> ResolvedSeries:
    """The series of the statement's flow and sector with a partner, by default the total."""
    if partner is None:
        main = published.main(series.flow)
        return main if main.sector == series.sector else series
    return published.choose(series.flow, partner, series.sector)


def _mail(subject: str, result: str | None, permalink: str) -> str:
    text = (result or "").replace(formatting.NBSP, " ")
    return links.mail(f"Scenario: {subject}", f"{text}\n\n{permalink}\n")


def _fields(body: bytes) -> dict[str, str]:
    """The fields of the form that are filled in. Raises UnreadableBody."""
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS)
    except ValueError as error:
        raise UnreadableBody("the form has more fields than this page sends") from error
    return {name: values[0] for name, values in found.items()}
