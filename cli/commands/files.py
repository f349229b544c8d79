"""Forecasts and scores of a table in a file, without a database."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import composition
from cli.console import say, warn
from cli.options import Level, Reporter
from settings import Settings

if TYPE_CHECKING:
    from forecasting.config import ForecastConfig

PanelFile = Annotated[Path, typer.Argument(help="CSV or Parquet: unique_id, ds, y [, partner, sector].")]
TableOutput = Annotated[Path, typer.Option(help="CSV or Parquet to write.")]


def forecast(
    file: PanelFile,
    output: TableOutput,
    horizon: Annotated[int, typer.Option(min=1, max=120, help="Months ahead.")] = 24,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    reporter: Reporter = "CHN",
) -> None:
    """Forecast a table of monthly series, without a database."""
    from jobs import file_forecasts
    from jobs.progress import progress_bar

    settings = composition.read_settings()
    config = _file_config(settings, horizon=horizon, level=level)
    file_forecasts.check_output(output)
    panel = file_forecasts.read_panel(file, today=composition.now().date(), limit_bytes=settings.max_upload_bytes)
    with composition.executor(settings)() as pool, progress_bar(file.name) as bar:
        table, failures = file_forecasts.forecast_file(
            panel, config=config, reporter=reporter, executor=pool, on_progress=bar
        )
    file_forecasts.write_table(table, output)
    _tell_failures(failures)
    say(f"{len(panel.unique_ids)} series, {horizon} months from {panel.cutoff + 1}: {output}")


def evaluate(
    file: PanelFile,
    output: TableOutput,
    horizon: Annotated[int, typer.Option(min=1, max=120, help="Months ahead.")] = 12,
    cutoffs: Annotated[str | None, typer.Option(help="First and last cutoff, such as 2023-12:2025-12.")] = None,
    folds: Annotated[int | None, typer.Option(min=1, help="Cutoffs counted back from the last month but one.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Months between cutoffs.")] = 1,
    level: Level = [80.0, 95.0],  # noqa: B006 - typer copies it
    reporter: Reporter = "CHN",
) -> None:
    """Score forecasts of a table of monthly series at past cutoffs, without a database."""
    from jobs import file_forecasts
    from jobs.progress import progress_bar

    settings = composition.read_settings()
    config = _file_config(settings, horizon=horizon, level=level)
    file_forecasts.check_output(output)
    panel = file_forecasts.read_panel(file, today=composition.now().date(), limit_bytes=settings.max_upload_bytes)
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


def _file_config(settings: Settings, *, horizon: int, level: list[float]) -> "ForecastConfig":
    if not all(0 < each < 100 for each in level):
        raise typer.BadParameter("a level lies between 0 and 100, both excluded", param_hint="--level")
    return replace(composition.forecast_config(settings), horizon=horizon, levels=tuple(sorted(set(level))))


def _tell_failures(failures: Any) -> None:
    if failures:
        series = {failure.unique_id for failure in failures}
        warn(f"a forecaster failed {len(failures)} times on {len(series)} series; the baseline stood in")
