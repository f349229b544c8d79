"""Endpoints, a module a subject; `ROUTERS` is the list that the application includes."""

from api.rest.endpoints import (
    backtests,
    catalog,
    concentration,
    contributions,
    data_sources,
    datasets,
    decomposition,
    external_forecasts,
    forecast_history,
    forecasts,
    health,
    indicators,
    moved,
    observations,
    probability,
    releases,
    reports,
    revisions,
    run_changes,
    runs,
    scenarios,
    schedule,
    tracking,
)

ROUTERS = tuple(
    module.router
    for module in (
        # Routes are matched in order: the most frequent come first.
        forecasts,
        observations,
        health,
        catalog,
        releases,
        revisions,
        probability,
        concentration,
        contributions,
        scenarios,
        decomposition,
        forecast_history,
        backtests,
        tracking,
        external_forecasts,
        runs,
        run_changes,
        reports,
        data_sources,
        schedule,
        datasets,
        indicators,
        moved,
    )
)
