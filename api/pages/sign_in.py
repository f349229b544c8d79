"""Sign-in with an API key in a browser, where reading requires a key, and sign-out."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from api.authentication import SIGNED_IN
from api.dependencies import ConfigDep, NoParameters, SessionDep, limited_body
from api.pages.rendering import PageQuery, PageRoute, sign_in_page
from presentation import links
from store.queries import browser_sessions
from store.queries.api_keys import BadKey, MissingScope

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FORM_BYTES, FORM_FIELDS = 4000, 10
"""Limits of the sign-in form, which anybody may send."""


async def form_body(request: Request) -> bytes:
    """The body of the form. Raises BodyTooLarge, UnsupportedBody."""
    return await limited_body(request, FORM_BYTES)


FormDep = Annotated[bytes, Depends(form_body)]


class SignInQuery(PageQuery):
    """The path to open after signing in."""

    to: str = Field(default=links.HOME, max_length=2000)


@router.get("/sign-in")
def read_sign_in(query: Annotated[SignInQuery, Query()], request: Request, options: ConfigDep) -> Response:
    """The sign-in form, or a redirection to the overview where reading is open."""
    if not options.require_key_to_read:
        return RedirectResponse(links.HOME, HTTPStatus.SEE_OTHER)
    return sign_in_page(request, HTTPStatus.OK, to=_local_path(query.to))


@router.post("/sign-in", dependencies=[NoParameters])
def sign_in(body: FormDep, request: Request, session: SessionDep, options: ConfigDep) -> Response:
    """Set a cookie for the holder of a key with the scope `read`; otherwise show the form with the error."""
    fields = _fields(body)
    key, to = fields.get("key", [""])[0].strip(), _local_path(fields.get("to", [links.HOME])[0])
    try:
        token = browser_sessions.create(session, key, now=options.now())
    except BadKey:
        return sign_in_page(request, HTTPStatus.UNAUTHORIZED, to=to, fault="This key is unknown or has expired.")
    except MissingScope as error:
        return sign_in_page(request, HTTPStatus.FORBIDDEN, to=to, fault=f"{error}.".capitalize())
    session.commit()
    answer = RedirectResponse(to, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        SIGNED_IN,
        token,
        max_age=int(browser_sessions.LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _fields(body: bytes) -> dict[str, list[str]]:
    """The fields of the form; none where there are more than it has."""
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS)
    except ValueError:
        return {}


@router.post("/sign-out", dependencies=[NoParameters])
def sign_out(request: Request, session: SessionDep) -> Response:
    """Remove the cookie and the stored browser session."""
    browser_sessions.delete(session, request.cookies.get(SIGNED_IN, ""))
    session.commit()
    answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(SIGNED_IN, httponly=True, samesite="strict")
    return answer


def _local_path(to: str) -> str:
    """A path of this service; the overview in place of an address elsewhere."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else links.HOME
