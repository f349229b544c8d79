"""Forecasts and scores of a table in a file, without a database."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import composition
from cli.console import say, warn
from cli.options import Force, Level, Reporter
from cli.table_options import table_options
from settings import Settings

if TYPE_CHECKING:
    from forecasting.config import ForecastConfig
    from forecasting.data.panel import Panel
    from tables import Layout

PanelFile = Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet: unique_id, ds, y [, partner, sector].")]
TableOutput = Annotated[Path, typer.Option(help="CSV or Parquet to write.")]


@table_options
def forecast(
    *,
    layout: "Layout",
    file: PanelFile,
    output: TableOutput,
    horizon: Annotated[int, typer.Option(min=1, max=120, help="Months ahead.")] = 24,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    reporter: Reporter = "CHN",
    force: Force = False,
) -> None:
    """Forecast a table of monthly series, without a database."""
    from jobs import file_forecasts
    from jobs.progress import progress_bar

    settings = composition.read_settings()
    config, reporter = _file_config(settings, horizon=horizon, level=level), _country(reporter)
    file_forecasts.check_output(output)
    panel = _panel(settings, file, layout, force=force)
    with composition.executor(settings)() as pool, progress_bar(file.name) as bar:
        table, failures = file_forecasts.forecast_file(
            panel, config=config, reporter=reporter, executor=pool, on_progress=bar
        )
    file_forecasts.write_table(table, output)
    _tell_failures(failures)
    say(f"{len(panel.unique_ids)} series, {horizon} months from {panel.cutoff + 1}: {output}")


@table_options
def evaluate(
    *,
    layout: "Layout",
    file: PanelFile,
    output: TableOutput,
    horizon: Annotated[int, typer.Option(min=1, max=120, help="Months ahead.")] = 12,
    cutoffs: Annotated[str | None, typer.Option(help="First and last cutoff, such as 2023-12:2025-12.")] = None,
    folds: Annotated[int | None, typer.Option(min=1, help="Cutoffs counted back from the last month but one.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Months between cutoffs.")] = 1,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    reporter: Reporter = "CHN",
    force: Force = False,
) -> None:
    """Score forecasts of a table of monthly series at past cutoffs, without a database."""
    from jobs import file_forecasts
    from jobs.progress import progress_bar

    settings = composition.read_settings()
    config, reporter = _file_config(settings, horizon=horizon, level=level), _country(reporter)
    file_forecasts.check_output(output)
    panel = _panel(settings, file, layout, force=force)
    chosen = file_forecasts.choose_cutoffs(panel, span=cutoffs, folds=folds, every=every)
    with composition.executor(settings)() as pool, progress_bar(file.name) as bar:
        table, backtest, failures = file_forecasts.evaluate_file(
            panel, cutoffs=chosen, config=config, reporter=reporter, executor=pool, on_progress=bar
        )
    file_forecasts.write_table(table, output)
    _tell_failures(failures)
    say(
        file_forecasts.score_summary(backtest).to_string(float_format="%.3f", na_rep=""),
        f"{len(panel.unique_ids)} series, {len(chosen)} folds from {chosen[0]} to {chosen[-1]}: {output}",
    )


def _panel(settings: Settings, file: Path, layout: "Layout", *, force: bool) -> "Panel":
    from jobs.file_forecasts import read_panel

    today, limit = composition.now().date(), settings.max_upload_bytes
    return read_panel(file, today=today, limit_bytes=limit, layout=layout, force=force, notify=warn)


def _country(reporter: str) -> str:
    """The reporter's code. Raises UnknownPartnerName."""
    from sources.partner_names import country

    return country(reporter, where="--reporter")


def _file_config(settings: Settings, *, horizon: int, level: list[float]) -> "ForecastConfig":
    if not all(0 < percent < 100 for percent in level):
        raise typer.BadParameter("a level lies between 0 and 100, both excluded", param_hint="--level")
    return replace(composition.forecast_config(settings), horizon=horizon, levels=tuple(sorted(set(level))))


def _tell_failures(failures: Any) -> None:
    if failures:
        series = {failure.unique_id for failure in failures}
        warn(f"a forecaster failed {len(failures)} times on {len(series)} series; the baseline replaced it")
