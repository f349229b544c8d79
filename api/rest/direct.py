"""A route that reads its own parameters and answers by itself.

FastAPI finds out anew for every request which parameters are lists, what depends on what and who has to be waited for:
a millisecond of processor, more than the forecasts of a series take. Here that is found once, when the route is made.
What is accepted, what is refused and how, and the description of the API are FastAPI's own.
"""

from collections.abc import Callable, Coroutine, Sequence
from inspect import isasyncgenfunction, isclass, iscoroutinefunction, signature
from typing import Any, NamedTuple, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api.rest.schemas.common import Problem

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
OPENED = "tradewind.opened"
"""Where a request keeps the dependencies to close when its answer has been sent: a CSV is read as it is sent."""
PROBLEM: dict[int | str, dict[str, Any]] = {"default": {"model": Problem, "description": "Any error, as problem+json."}}


class DirectRoute(APIRoute):
    """A route of a plain `def` that returns a Response, with parameters in its path and one model of its query.

    Whoever asks for more (a body, a header, a dependency with dependencies) is served by FastAPI as ever.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        responses: dict[int | str, dict[str, Any]] | None = None,
        **given: Any,
    ) -> None:
        super().__init__(path, endpoint, responses=PROBLEM | (responses or {}), **given)
        if not self.dependant.query_params:
            guard = get_parameterless_sub_dependant(depends=Depends(refuse_parameters), path=self.path_format)
            self.dependant.dependencies.append(guard)
        if _needs(self.dependant) is not None:
            self.app = _application(self.get_route_handler())

    def get_route_handler(self) -> Handler:
        """What answers a request."""
        needs = _needs(self.dependant)
        return super().get_route_handler() if needs is None else needs.answer


async def refuse_parameters(request: Request) -> None:
    """Refuse every parameter of the query, where an endpoint knows none. Raises RequestValidationError."""
    refused = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
    faults = [{**refused, "loc": ("query", name), "input": value} for name, value in _asked(request)]
    if faults:
        raise RequestValidationError(faults)


def _asked(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """The routes of a router as the application's own: `include_router` looks for the one asked for twice."""
    app.router.routes.extend(router.routes)


def _application(handle: Handler) -> ASGIApp:
    """What serves a handler. Its errors are the application's to answer; FastAPI has them caught twice."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        opened = scope[OPENED] = []
        try:
            response = await handle(request)
            await response(scope, receive, send)
        finally:
            for generator in reversed(opened):
                await generator.aclose()

    return serve


class _Dependency(NamedTuple):
    """A dependency, and the argument it is given as; None for a guard."""

    call: Callable[[Request], Any]
    argument: str | None
    yields: bool


class _Needs(NamedTuple):
    """What an endpoint is given."""

    endpoint: Callable[..., Response]
    request: str | None
    path: Sequence[Any]
    query: Any | None
    lists: frozenset[str]
    dependencies: Sequence[_Dependency]

    async def answer(self, request: Request) -> Response:
        """Dependencies first, then the parameters, then the endpoint in a thread."""
        given: dict[str, Any] = {}
        for call, argument, yields in self.dependencies:
            if yields:
                generator = call(request)
                request.scope[OPENED].append(generator)
                value = await anext(generator)
            else:
                value = await call(request)
            if argument is not None:
                given[argument] = value
        return await run_in_threadpool(self.endpoint, **given, **self.parameters(request))

    def parameters(self, request: Request) -> dict[str, Any]:
        """The parameters of path and query. Raises RequestValidationError with every fault of both."""
        found: dict[str, Any] = {} if self.request is None else {self.request: request}
        faults: list[Any] = []
        for field in self.path:
            found[field.name], wrong = field.validate(request.path_params[field.alias], loc=("path", field.alias))
            faults += wrong
        if self.query is not None:
            asked: dict[str, Any] = {}
            for name, value in _asked(request):
                asked[name] = [*asked.get(name, ()), value] if name in self.lists else value
            found[self.query.name], wrong = self.query.validate(asked, loc=("query",))
            faults += wrong
        if faults:
            raise RequestValidationError(faults)
        return found


def _needs(dependant: Dependant) -> _Needs | None:
    """What an endpoint is given; None where it is more than is read here."""
    query = [field.field_info.annotation for field in dependant.query_params]
    models = [one for one in query if isclass(one) and issubclass(one, BaseModel)]
    beyond = dependant.header_params or dependant.cookie_params or dependant.body_params
    needed = dependant.dependencies
    if beyond or len(query) > 1 or models != query or not all(map(_on_request, needed)):
        return None
    endpoint = dependant.call
    if endpoint is None or iscoroutinefunction(endpoint) or not _is_response(signature(endpoint).return_annotation):
        return None
    fields = models[0].model_fields if models else {}
    return _Needs(
        endpoint=endpoint,
        request=dependant.request_param_name,
        path=dependant.path_params,
        query=dependant.query_params[0] if models else None,
        lists=frozenset(name for name, field in fields.items() if _is_list(field.annotation)),
        dependencies=[_Dependency(one.call, one.name, isasyncgenfunction(one.call)) for one in needed if one.call],
    )


def _on_request(dependant: Dependant) -> bool:
    """Whether a dependency is `async` and takes the request alone."""
    call = dependant.call
    does_not_wait = iscoroutinefunction(call) or isasyncgenfunction(call)
    return does_not_wait and call is not None and list(signature(call).parameters) == ["request"]


def _is_response(annotation: Any) -> bool:
    return isclass(annotation) and issubclass(annotation, Response)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))
