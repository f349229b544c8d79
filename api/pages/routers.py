"""Every page."""

from api.pages import backtest, heat_map, overview, runs, series, sign_in
from api.rest.endpoints import reports

ROUTERS = tuple(module.router for module in (overview, series, heat_map, backtest, runs, reports, sign_in))
