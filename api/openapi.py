"""The OpenAPI document: ways to authenticate, the server, short operation names, and the formats of every list."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.exception_handlers import MEDIA_TYPE as PROBLEM_TYPE
from api.rest.responses import MEDIA_TYPES

SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, tw_..."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name; the API key is the password."},
}
ANY_OF_THEM: list[dict[str, list[str]]] = [{name: []} for name in SECURITY_SCHEMES]
OPEN: list[dict[str, list[str]]] = [{}]


def install(app: FastAPI, *, open_to_read: bool) -> None:
    """Describe the application; reading needs no key where it is open."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            # The name of its function, such as read_forecasts.
            route.operation_id = route.name

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, open_to_read=open_to_read)
        return app.openapi_schema

    # FastAPI documents this way to extend the document.
    app.openapi = describe  # type: ignore[method-assign]


def _document(app: FastAPI, *, open_to_read: bool) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/", "description": "The service that this document is from."}],
    )
    document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            writes = method not in {"get", "head"}
            operation["security"] = ANY_OF_THEM if writes or not open_to_read else OPEN + ANY_OF_THEM
            formats = any(parameter["name"] == "format" for parameter in operation.get("parameters", ()))
            if formats and not path.endswith(".json"):
                _add_tables(operation["responses"]["200"])
            _name_problems(operation["responses"])
            _collect_definitions(operation, document["components"]["schemas"])
    return document


def _collect_definitions(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Definitions within the schema of a body among the document's, where references look for them."""
    if "requestBody" not in operation:
        return
    # The endpoint's own description stays as it is.
    operation["requestBody"] = deepcopy(operation["requestBody"])
    for media in operation["requestBody"]["content"].values():
        schemas.update(media["schema"].pop("$defs", {}))


def _name_problems(responses: dict[str, Any]) -> None:
    """Errors, FastAPI's own 422 among them, as they are sent; FastAPI documents models as application/json."""
    responses.pop("422", None)
    content = responses.get("default", {}).get("content", {})
    if "application/json" in content:
        responses["default"]["content"] = {PROBLEM_TYPE: content["application/json"]}


def _add_tables(answer: dict[str, Any]) -> None:
    """The formats of a list; a document such as a report has its own."""
    content = answer.setdefault("content", {})
    if "application/json" not in content:
        return
    for name, media in MEDIA_TYPES.items():
        if name != "json":
            text = name == "csv"
            content.setdefault(
                media.partition(";")[0], {"schema": {"type": "string"} | ({} if text else {"format": "binary"})}
            )
