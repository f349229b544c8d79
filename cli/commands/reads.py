"""Commands that read: of the configured database, or of a service at an address."""

from typing import Annotated

import typer

from cli import composition
from cli.console import say
from cli.options import DataDir, Key, Level, Server

Dataset = Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")]
Flow = Annotated[str | None, typer.Option(help="X exports, M imports, B the balance.")]
Partner = Annotated[str | None, typer.Option(help="A partner or a group.")]
Sector = Annotated[str | None, typer.Option(help="A sector.")]


def ask(
    dataset: Annotated[str, typer.Argument(help="Code of the dataset, such as CN_TRADE.")],
    flow: Annotated[str | None, typer.Option(help="X exports, M imports, B the balance.")] = None,
    partner: Annotated[str | None, typer.Option(help="Partner or group; several with commas.")] = None,
    sector: Annotated[str | None, typer.Option(help="Sector; several with commas.")] = None,
    frequency: Annotated[str | None, typer.Option(help="M, Q, A, YTD or JF.")] = None,
    units: Annotated[str | None, typer.Option(help="lin, chg, pch, pc1, ch1, log, share or contribution.")] = None,
    of: Annotated[str | None, typer.Option(help="The total of a share: partner, sector or total.")] = None,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    quantile: Annotated[list[float] | None, typer.Option(help="Probability; may be repeated.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Months ahead.")] = None,
    period: Annotated[str | None, typer.Option(help="2026, 2026-Q1, 2026-03 or 2026-01/2026-02.")] = None,
    above: Annotated[float | None, typer.Option(help="Probability of a value above this in the period.")] = None,
    below: Annotated[float | None, typer.Option(help="Probability of a value below this in the period.")] = None,
    over: Annotated[str | None, typer.Option(help="Concentration over partner or sector.")] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Report interval coverage on the folds.")] = False,
    run: Annotated[int | None, typer.Option(help="A run's number; without it the latest published one.")] = None,
    as_of: Annotated[str | None, typer.Option(help="The latest run as of this day, YYYY-MM-DD.")] = None,
    server: Server = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Query a run: sums, growth, shares, concentration, and the probability of passing a threshold in a period."""
    from cli.ask_output import answer_lines

    which = {"flow": flow, "partner": partner, "sector": sector, "units": units, "of": of, "frequency": frequency}
    how = {"level": level, "quantile": quantile or None, "coverage": coverage, "horizon": horizon}
    event = {"period": period, "above": above, "below": below, "over": over}
    parameters = which | how | event | {"run": run, "as_of": as_of}
    given = {name: value for name, value in parameters.items() if value is not None}
    with composition.service(composition.read_settings(data_dir=data_dir), server, key) as service:
        say(*answer_lines(service, dataset, given))


def list_runs(
    dataset: Annotated[str | None, typer.Argument(help="Code of a dataset; without it all.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Greatest number of runs.")] = 20,
    server: Server = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List runs, newest first."""
    from cli.read_output import run_lines

    with composition.service(composition.read_settings(data_dir=data_dir), server, key) as service:
        say(*run_lines(service, dataset, limit))


def backtest(
    dataset: Dataset,
    flow: Flow = None,
    partner: Partner = None,
    sector: Sector = None,
    run: Annotated[int | None, typer.Option(help="A run's number; without it the latest published one.")] = None,
    server: Server = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show the scores of a run's backtest over all steps, each forecaster beside the baseline."""
    from cli.read_output import backtest_lines

    chosen = {"flow": flow, "partner": partner, "sector": sector, "run": run}
    with composition.service(composition.read_settings(data_dir=data_dir), server, key) as service:
        say(*backtest_lines(service, dataset, chosen))


def compare(
    first: Annotated[int, typer.Argument(help="Number of a published run.")],
    second: Annotated[int, typer.Argument(help="Number of another run of the dataset.")],
    flow: Flow = None,
    partner: Partner = None,
    sector: Sector = None,
    frequency: Annotated[str, typer.Option(help="M, Q or A.")] = "M",
    server: Server = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Compare the forecasts of one series in two runs."""
    from cli.read_output import comparison_lines

    chosen = {"flow": flow, "partner": partner, "sector": sector, "frequency": frequency}
    with composition.service(composition.read_settings(data_dir=data_dir), server, key) as service:
        say(*comparison_lines(service, first, second, chosen))
