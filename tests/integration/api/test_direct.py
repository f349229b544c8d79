"""A route that reads its own parameters, held against FastAPI's own."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api import exception_handlers
from api.dependencies import ConfigDep, bounded_body, may_read
from api.rest.direct import PROBLEM, DirectRoute, add_routes
from api.rest.path_parameters import DatasetPath
from services.queries import ForecastQuery
from tests.integration.api.conftest import options

QUESTIONS = [
    "",
    "?flow=X&partner=USA,DEU&partner=JPN&sector=EV&level=80&level=95,50&limit=7",
    "?limit=3&limit=5",
    "?frequency=A&units=share&of=sector&quantile=0.1&coverage=true",
    "?flow=&horizon=",
    "?flow=Z&partner=a%20b&level=0,120&limit=0",
    "?limit=many&offset=-1&partners=USA",
    "?units=share&flow=B",
    "?run=1&as_of=2026-01-01",
    "?as_of=2026-13-01",
]


def client_of(route: type[APIRoute]) -> TestClient:
    router = APIRouter(route_class=route, responses=PROBLEM, dependencies=[Depends(may_read)])

    @router.get("/of/{dataset}")
    def read(
        dataset: DatasetPath, query: Annotated[ForecastQuery, Query()], request: Request, given: ConfigDep
    ) -> JSONResponse:
        assert request.url.path.endswith(dataset)
        return JSONResponse({"dataset": dataset, "query": query.model_dump(mode="json"), "version": given.version})

    @router.post("/of/{dataset}")
    def write(dataset: DatasetPath, body: Annotated[bytes, Depends(bounded_body)]) -> JSONResponse:
        return JSONResponse({"dataset": dataset, "size": len(body)})

    app = FastAPI()
    app.state.options = options()
    exception_handlers.install(app)
    include = add_routes if route is DirectRoute else FastAPI.include_router
    include(app, router)
    return TestClient(app)


@pytest.fixture(scope="module")
def ours() -> TestClient:
    return client_of(DirectRoute)


@pytest.fixture(scope="module")
def theirs() -> TestClient:
    return client_of(APIRoute)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("dataset", ["CN_TRADE", "not%20a%20code"])
def test_reads_and_refuses_what_fastapi_does(ours: TestClient, theirs: TestClient, dataset: str, question: str) -> None:
    answer, expected = (client.get(f"/of/{dataset}{question}") for client in (ours, theirs))
    assert (answer.status_code, answer.json()) == (expected.status_code, expected.json())


def test_the_description_is_fastapis(ours: TestClient, theirs: TestClient) -> None:
    assert ours.get("/openapi.json").json() == theirs.get("/openapi.json").json()


def test_what_it_does_not_read_is_left_to_fastapi(ours: TestClient) -> None:
    assert ours.post("/of/CN_TRADE", content=b"12345").json() == {"dataset": "CN_TRADE", "size": 5}


def test_a_guard_comes_before_the_parameters(ours: TestClient) -> None:
    assert ours.get("/of/CN_TRADE?limit=0").status_code == 422
    ours.app.state.options = options(require_key_to_read=True)  # type: ignore[attr-defined]
    ours.app.state.engine = None  # type: ignore[attr-defined]
    assert ours.get("/of/CN_TRADE?limit=0").status_code == 401
    ours.app.state.options = options()  # type: ignore[attr-defined]
