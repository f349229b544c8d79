"""Every page."""

from api.pages import backtest, overview, runs, series

ROUTERS = tuple(module.router for module in (overview, series, backtest, runs))
