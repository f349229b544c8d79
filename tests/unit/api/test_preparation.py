"""Work of the first page that is done when the service starts: routes are built and templates compiled."""

import warnings
from contextlib import nullcontext
from typing import Any

from fastapi import FastAPI

from api import app as application
from api.pages import rendering
from store.database import make_engine
from tests.integration.api.conftest import options


def new_application() -> FastAPI:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/nothing", autocommit=True)
    return application.create_app(engine=engine, options=options())


def test_building_routes_warns_of_nothing_whatever_other_threads_do_to_the_filters(monkeypatch: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        app = new_application()
        # Another thread that leaves `catch_warnings` undoes FastAPI's own filter.
        monkeypatch.setattr(warnings, "catch_warnings", nullcontext)
        monkeypatch.setattr(warnings, "simplefilter", lambda *_given, **_named: None)
        application._build_routes(app)
        monkeypatch.undo()
    assert [str(warning.message) for warning in caught] == []


def test_routes_and_templates_are_prepared(monkeypatch: Any) -> None:
    app = new_application()
    matched: list[object] = []
    for route in app.routes:
        matches = route.matches
        monkeypatch.setattr(route, "matches", lambda scope, _matches=matches: matched.append(_matches(scope)))
    rendering.environment.cache_clear()
    application._prepare(app)
    assert len(matched) == len(app.routes) > 10
    environment = rendering.environment()
    assert environment.cache is not None
    compiled = {name for _, name in environment.cache.keys()}  # noqa: SIM118 - the cache is no mapping
    assert compiled == set(environment.list_templates(extensions=["html"])) >= {"overview.html", "macros.html"}
