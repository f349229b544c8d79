"""Signing in with an API key, for people at a browser where reading needs one; and out again."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from api.dependencies import SIGNED_IN, BodyDep, ConfigDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, sign_in_page
from store.queries import browser_sessions
from store.queries.api_keys import BadKey, MissingScope

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HOME = "/"


class SignInQuery(PageQuery):
    """Where to go afterwards."""

    to: str = Field(default=HOME, max_length=2000)


@router.get("/sign-in")
def read_sign_in(query: Annotated[SignInQuery, Query()], request: Request, options: ConfigDep) -> Response:
    """The form, or the first page where reading is open."""
    if not options.require_key_to_read:
        return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)
    return sign_in_page(request, HTTPStatus.OK, to=_own(query.to))


@router.post("/sign-in")
def sign_in(body: BodyDep, request: Request, session: SessionDep, options: ConfigDep) -> Response:
    """A cookie for the holder of a key that may read; the form again for anybody else."""
    given = parse_qs(body.decode("utf-8", "replace"))
    key, to = given.get("key", [""])[0].strip(), _own(given.get("to", [HOME])[0])
    try:
        token = browser_sessions.begin(session, key, now=options.now())
    except BadKey:
        return sign_in_page(request, HTTPStatus.UNAUTHORIZED, to=to, fault="There is no such key, or it has expired.")
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


@router.post("/sign-out")
def sign_out(request: Request, session: SessionDep) -> Response:
    """No cookie, and nothing that would know it."""
    browser_sessions.end(session, request.cookies.get(SIGNED_IN, ""))
    session.commit()
    answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(SIGNED_IN, httponly=True, samesite="strict")
    return answer


def _own(to: str) -> str:
    """A path of this service; the first page instead of anybody else's."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else HOME
