"""Every page."""

from api.pages import backtest, heatmap, overview, reports, runs, series

ROUTERS = tuple(module.router for module in (overview, series, heatmap, backtest, runs, reports))
