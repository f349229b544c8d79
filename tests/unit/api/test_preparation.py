"""Work of the first page that is done before: routes are built on import, and templates compiled on start."""

from typing import Any

from fastapi.routing import APIRoute

from api import app as application
from api.pages import rendering
from store.database import make_engine
from tests.integration.api.conftest import options

ENGINE = make_engine("postgresql://nobody@127.0.0.1:1/nothing", autocommit=True)


def test_applications_share_the_routes_that_their_modules_have_built(monkeypatch: Any) -> None:
    built: list[str] = []
    monkeypatch.setattr(APIRoute, "get_route_handler", lambda route: built.append(route.path))
    first, second = (application.create_app(engine=ENGINE, options=options()) for _ in range(2))
    shared = [route for route in first.routes if any(route is other for other in second.routes)]
    assert len(shared) == sum(len(router.routes) for router in application.ROUTERS) > 100
    assert {path for path in built if not path.startswith("/docs")} == {"/openapi.json"}


def test_templates_are_compiled() -> None:
    app = application.create_app(engine=ENGINE, options=options())
    rendering.environment.cache_clear()
    application._prepare(app)
    environment = rendering.environment()
    assert environment.cache is not None
    compiled = {name for _, name in environment.cache.keys()}  # noqa: SIM118 - the cache is no mapping
    assert compiled == set(environment.list_templates(extensions=["html"])) >= {"overview.html", "macros.html"}
