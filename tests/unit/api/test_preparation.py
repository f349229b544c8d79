"""Work of the first page that is done when the service starts: routes are built and templates compiled."""

from typing import Any

from api import app as application
from api.pages import rendering
from store.database import make_engine
from tests.integration.api.conftest import options


def test_routes_and_templates_are_prepared(monkeypatch: Any) -> None:
    app = application.create_app(
        engine=make_engine("postgresql://nobody@127.0.0.1:1/nothing", autocommit=True), options=options()
    )
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
