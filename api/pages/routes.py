"""Every page."""

from api.pages import backtest, heatmap, overview, reports, runs, series, sign_in

ROUTERS = tuple(module.router for module in (overview, series, heatmap, backtest, runs, reports, sign_in))
