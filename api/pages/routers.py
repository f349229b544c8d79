"""Every page; a page is served and listed in the navigation by being in PAGES."""

from types import ModuleType

from api.pages import (
    alerts,
    ask,
    backtest,
    compare,
    concentration,
    consensus,
    events,
    heat_map,
    overview,
    partners,
    runs,
    scenarios,
    series,
    sign_in,
)
from presentation import links

PAGES: tuple[ModuleType, ...] = (
    overview,
    partners,
    concentration,
    ask,
    scenarios,
    series,
    heat_map,
    events,
    backtest,
    consensus,
    compare,
    alerts,
    runs,
    sign_in,
)
ROUTERS = tuple(module.router for module in PAGES)
NAVIGATION: tuple[tuple[str, str], ...] = (
    *(module.NAVIGATION for module in PAGES if hasattr(module, "NAVIGATION")),
    (links.DOCUMENTATION, "Documentation"),
)
"""Paths and names of the navigation, in the order of PAGES."""
