from services.scenarios.scenarios import default_questions
from services.series.series_catalog import SeriesCatalog
from store.queries.forecasts import CoveredSeries


def catalog(*series: CoveredSeries) -> SeriesCatalog:
    names = {"WLD": "World", "USA": "United States"}
    sectors = {"CARS": "Cars", "SHIPS": "Ships", "TOTAL": "All goods"}
    return SeriesCatalog(dataset="D", unit="USD m", series=series, partners=names, sectors=sectors, members={})


def reported(known: SeriesCatalog) -> list[str]:
    return [question.series for question in default_questions(known) if question.units == "lin"]


def test_totals_are_reported_the_world_first() -> None:
    usa, world = CoveredSeries(1, "X", "USA", "TOTAL"), CoveredSeries(2, "X", "WLD", "TOTAL")
    assert reported(catalog(usa, world, CoveredSeries(3, "X", "WLD", "CARS"))) == ["X.WLD.TOTAL", "X.USA.TOTAL"]


def test_a_dataset_without_totals_reports_every_series() -> None:
    cars, ships = CoveredSeries(1, "X", "WLD", "CARS"), CoveredSeries(2, "X", "WLD", "SHIPS")
    assert reported(catalog(cars, ships)) == ["X.WLD.CARS", "X.WLD.SHIPS"]
