"""Every error as application/problem+json (RFC 9457), from one map of exception to status.

RequestError
├── BodyTooLarge
├── SlowBody
├── IncompleteBody
├── UnreadableBody
├── UnsupportedBody
├── NotAcceptable
├── NotSupported
└── MovedPath
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
import sqlalchemy.exc
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.query_parameters import intention, parameter_names
from errors import TradewindError
from forecasting.errors import Contradiction, UnknownForecaster
from presentation.errors import FormatUnavailable, NoSuchSection
from services.errors import QueueFull, RunNotPublished, RunSuperseded, Unanswerable
from services.parameters import RENAMED
from sources.errors import BadDefinition, UnknownPartnerName
from store.database import is_disk_full
from store.errors import BadObservations, BadReleases, NotDerivable, NotStored
from store.queries.api_keys import BadKey, MissingScope
from store.queries.run_status import RunMovedOn
from tables import TableError

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RETRY_SECONDS = 5
SHOWN_CHARACTERS = 80


class RequestError(TradewindError):
    """A request whose body or headers cannot be processed."""


class BodyTooLarge(RequestError):
    """A body above the limit."""

    def __init__(self, limit: int) -> None:
        self.limit_bytes = limit
        super().__init__(f"the body is above the limit of {limit / 1e6:g} MB")


class SlowBody(RequestError):
    """A body that did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the body did not arrive within {seconds:g} seconds")


class IncompleteBody(RequestError):
    """A body whose client left before its end: nobody reads the answer."""

    def __init__(self) -> None:
        super().__init__("the body is incomplete")


class UnreadableBody(RequestError):
    """A body that cannot be parsed."""


class UnsupportedBody(RequestError):
    """A body of a media type that the endpoint does not read."""

    def __init__(self, given: str, accepted: Sequence[str]) -> None:
        self.given, self.accepted = given, tuple(accepted)
        super().__init__(f"send {' or '.join(accepted)}, not {given or 'an unnamed type'}")


class NotAcceptable(RequestError):
    """An Accept header that allows none of the formats."""

    def __init__(self, accept: str) -> None:
        self.accept = accept[:SHOWN_CHARACTERS]
        super().__init__("answers are application/json, text/csv, Parquet or Excel")


class NotSupported(RequestError):
    """A part of a standard that is not implemented."""


class MovedPath(RequestError):
    """A path of an earlier release."""

    def __init__(self, path: str, new_path: str) -> None:
        self.new_path = new_path
        super().__init__(f"{path} is now {new_path}")


STATUSES: Mapping[type[Exception], HTTPStatus] = {
    NotStored: HTTPStatus.NOT_FOUND,
    UnknownForecaster: HTTPStatus.NOT_FOUND,
    Contradiction: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadObservations: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadReleases: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotDerivable: HTTPStatus.UNPROCESSABLE_ENTITY,
    TableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadDefinition: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownPartnerName: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadKey: HTTPStatus.UNAUTHORIZED,
    MissingScope: HTTPStatus.FORBIDDEN,
    RunNotPublished: HTTPStatus.CONFLICT,
    QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    RunSuperseded: HTTPStatus.CONFLICT,
    RunMovedOn: HTTPStatus.CONFLICT,
    Unanswerable: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchSection: HTTPStatus.NOT_FOUND,
    FormatUnavailable: HTTPStatus.NOT_IMPLEMENTED,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    SlowBody: HTTPStatus.REQUEST_TIMEOUT,
    UnreadableBody: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnsupportedBody: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    MovedPath: HTTPStatus.NOT_FOUND,
    NotSupported: HTTPStatus.NOT_IMPLEMENTED,
    RequestError: HTTPStatus.BAD_REQUEST,
    sqlalchemy.exc.OperationalError: HTTPStatus.SERVICE_UNAVAILABLE,
    sqlalchemy.exc.InterfaceError: HTTPStatus.SERVICE_UNAVAILABLE,
    sqlalchemy.exc.TimeoutError: HTTPStatus.SERVICE_UNAVAILABLE,
    psycopg.OperationalError: HTTPStatus.SERVICE_UNAVAILABLE,
    Exception: HTTPStatus.INTERNAL_SERVER_ERROR,
}
UNDISCLOSED = {
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "Database unavailable",
        f"the database is unavailable; try again in {RETRY_SECONDS} seconds",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("Internal error", "an internal error occurred and has been logged"),
}
"""Titles and details where the exception's own text would disclose internals."""
DISK_FULL = ("Disk full", f"the disk of the database is full; try again in {RETRY_SECONDS} seconds")
HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="tradewind", Basic realm="tradewind"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": str(RETRY_SECONDS)},
}


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    for kind in STATUSES:
        app.add_exception_handler(kind, _known_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)


def problem(
    request: Request,
    status: HTTPStatus,
    *,
    title: str,
    detail: str,
    type_: str = "about:blank",
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem response: type, title, detail, instance, and the error's data as further members."""
    body = {"type": type_, "title": title, "status": int(status), "detail": detail, "instance": request.url.path}
    content = orjson.dumps({**(members or {}), **body}, default=_plain)
    sent = {**HEADERS.get(status, {}), "Cache-Control": "no-store", **(headers or {})}
    return Response(content, status, sent, MEDIA_TYPE)


def undisclosed(error: Exception, status: HTTPStatus) -> tuple[str, str]:
    """The title and the detail of an error whose own text is not shown."""
    return DISK_FULL if is_disk_full(error) else UNDISCLOSED[status]


async def _known_error(request: Request, error: Exception) -> Response:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    if status in UNDISCLOSED:
        title, detail = undisclosed(error, status)
        return problem(request, status, title=title, detail=detail)
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
    return problem(
        request,
        status,
        title=words.capitalize(),
        detail=str(error),
        type_=f"urn:tradewind:problem:{words.replace(' ', '-')}",
        members={name: value for name, value in vars(error).items() if value is not None},
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = {**(error.headers or {})}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem(request, status, title=status.phrase, detail=_http_detail(request, status), headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """The methods of every route of the path: the router names only those of the first."""
    methods = {method for method in METHODS if _matches(request, method)}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


def _matches(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] == Match.FULL for route in request.app.routes)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    known = parameter_names(request.scope["route"].dependant)
    faults = [
        {
            "where": ".".join(map(str, fault["loc"])),
            "reason": _reason(fault, known),
            "value": str(fault.get("input"))[:SHOWN_CHARACTERS],
        }
        for fault in error.errors()
    ]
    return problem(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        title="Invalid request",
        detail="; ".join(f"{fault['where']}: {fault['reason']}" for fault in faults[:3]),
        type_="urn:tradewind:problem:invalid-request",
        members={"faults": faults},
    )


def _reason(fault: Mapping[str, Any], known: Collection[str]) -> str:
    """Why a parameter is refused; the name that a renamed or mistaken one should have."""
    name = str(fault["loc"][-1])
    if fault["type"] == "extra_forbidden" and name in RENAMED:
        return f"renamed: use {RENAMED[name]}"
    if fault["type"] == "extra_forbidden" and fault["loc"][0] == "query":
        return f"unknown parameter: {intention(name, known)}"
    return str(fault["msg"]).removeprefix("Value error, ")


def _http_detail(request: Request, status: HTTPStatus) -> str:
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method} is not allowed on {request.url.path}"
    return f"nothing is served at {request.url.path}" if status == HTTPStatus.NOT_FOUND else status.description


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return list(value) if isinstance(value, set | frozenset) else str(value)
