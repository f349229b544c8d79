"""Ask: the probability that a series lies above, below or between thresholds in a period, as a sentence."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, field_validator

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from forecasting.analysis.periods import parse_period
from presentation import links
from presentation.sections.probability import UNIT_NAMES, event_sections, offered_sentence, sentence, series_choices
from services.forecasts.event_probability import next_year, periods_offered, read_event
from services.parameters import Code, RunId
from services.runs.published_run import citation, month_of, open_run
from store.queries import catalog

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.ask(), "Ask")


class AskQuery(PageQuery):
    """The series, the period and the thresholds of a question."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    period: str | None = Field(default=None, max_length=17, pattern=r"^[0-9Q/-]+$")
    units: Literal["lin", "pc1"] = "lin"
    above: float | None = Field(default=None, allow_inf_nan=False)
    below: float | None = Field(default=None, allow_inf_nan=False)

    @field_validator("above", "below", "period", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        """Empty fields of a form are not given; thousands may be separated by commas."""
        return (value.replace(",", "").strip() or None) if isinstance(value, str) else value


@router.get("/ask")
def read_ask_page(
    query: Annotated[AskQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The probability of an event, with the distribution of the forecast and thresholds that matter."""
    names = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    dataset = query.dataset or next((name for name in names if name == "CN_TRADE"), names[0] if names else "")
    published = open_run(session, catalogs, dataset, query.run)
    main = published.main(query.flow or published.flows[-1])
    series = published.choose(main.flow, query.partner or main.partner, query.sector or main.sector)
    periods = periods_offered(published, month_of(options.now().date()))
    period = parse_period(query.period) if query.period else next_year(periods)
    event = read_event(published, series, period, query.units)
    answer = sentence(published, series, event, query.units, above=query.above, below=query.below)
    address = links.absolute(request.base_url, address_of(dataset, published.run.id, series, query, period.label))
    return page(
        request,
        "ask.html",
        title="Ask",
        sections=event_sections(published, series, event, query.units, above=query.above, below=query.below),
        query=query,
        published=published,
        series=series,
        name=published.name(series),
        period=period.label,
        periods=[(offered.label, offered_sentence(offered)) for offered in periods],
        units=list(UNIT_NAMES.items()),
        answer=answer,
        event=event,
        choices=series_choices(published),
        datasets=[(name, name) for name in names],
        citation=citation(published, f"probability: {published.name(series)}", address),
    )


def address_of(dataset: str, run: int, series: Any, query: AskQuery, period: str) -> str:
    """The permalink of a question."""
    return links.ask(
        dataset=dataset,
        run=run,
        **links.codes(series),
        period=period,
        units=query.units,
        above=query.above,
        below=query.below,
    )
