"""Errors of the FRED protocol, written as FRED writes them."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.exception_handlers import STATUSES
from api.fred.responses import error_response


class FredRoute(APIRoute):
    """A route whose errors are those of FRED: 400 with a message, which its clients show."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its known errors as answers."""
        handle = super().get_route_handler()

        async def handle_fred(request: Request) -> Response:
            file_type = request.query_params.get("file_type", "xml")
            try:
                return await handle(request)
            except RequestValidationError as error:
                faults = (f"Variable {fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
                return error_response(file_type, HTTPStatus.BAD_REQUEST, f"Bad Request. {'; '.join(faults)}.")
            except Exception as error:
                status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
                if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                shown = HTTPStatus.BAD_REQUEST if status == HTTPStatus.NOT_FOUND else status
                return error_response(file_type, shown, f"{shown.phrase}. {error}")

        return handle_fred
