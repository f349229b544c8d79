import re
from datetime import date
from pathlib import Path

import pytest

from sources.errors import BadFeeds
from sources.feed_config import Feed, read_feeds
from sources.observation_batch import DatasetDefinition, IndicatorDefinition
from sources.providers.comtrade import ComtradeQuery
from sources.registry import PROVIDERS
from tests.support.documents import blocks, text

DATASET = """
[KR_STEEL.dataset]
title = "Korea's steel exports"
reporter = "KOR"
currency = "USD"
unit = "USD m"
publisher = "UN Comtrade"
licence = "UN Comtrade terms of use"
citation = "UN Comtrade"
release_day = 15
"""
OWN = """
[KR_STEEL]
source = "comtrade"
start = "2020-01"

[KR_STEEL.dataset]
title = "Korea's steel exports"
reporter = "KOR"
currency = "USD"
unit = "USD m"
publisher = "UN Comtrade"
licence = "UN Comtrade terms of use"
citation = "UN Comtrade"
release_day = 15

[KR_STEEL.sectors]
7208 = "Flat-rolled steel"

[KR_STEEL.query]
reporter = 410
sectors = ["7208"]
"""


def read(directory: Path, text: str) -> dict[str, Feed]:
    path = directory / "feeds.toml"
    path.write_text(text, encoding="utf-8")
    return read_feeds(path)


def test_a_feed_says_what_is_asked_and_what_the_dataset_is(tmp_path: Path) -> None:
    feed = read(tmp_path, OWN)["KR_STEEL"]
    assert feed.query == ComtradeQuery(reporter=410, sectors=("7208",))
    assert (feed.start, feed.revisit, feed.absent) == (date(2020, 1, 1), 24, "refuse")
    assert isinstance(feed.definition, DatasetDefinition)
    assert (feed.definition.id, feed.definition.unit, feed.definition.release_day) == ("KR_STEEL", "USD m", 15)
    assert feed.sectors == {"7208": "Flat-rolled steel"}


def test_a_bundled_dataset_need_not_be_described(tmp_path: Path) -> None:
    text = '[CN_TRADE]\nsource = "comtrade"\nstart = "2008-01"\nquery = { reporter = 156, partners = ["WLD"] }\n'
    feed = read(tmp_path, text)["CN_TRADE"]
    assert feed.definition.unit == "USD bn"


def test_feeds_with_other_words_have_other_digests(tmp_path: Path) -> None:
    first, second = read(tmp_path, OWN), read(tmp_path, OWN.replace("2020-01", "2021-01"))
    assert first["KR_STEEL"].digest != second["KR_STEEL"].digest
    assert first["KR_STEEL"].digest == read(tmp_path, OWN + "# a note\n")["KR_STEEL"].digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "comtrade"', 'source = "comtrad"', r"line 3, \[KR_STEEL\]: source is one of comtrade, census"),
        ('start = "2020-01"', 'start = "2020"', r"line 4, \[KR_STEEL\]: start: String should match"),
        ('start = "2020-01"', 'start = "2020-01"\nrevisits = 3', r"line 5, \[KR_STEEL\]: revisits: Extra inputs"),
        ('start = "2020-01"', "", r"line 2, \[KR_STEEL\]: start: Field required"),
        ('unit = "USD m"', 'unit = "tonnes of it"', r"line 10, \[KR_STEEL.dataset\]: unit: a unit is a currency"),
        ("release_day = 15", "release_day = 31", r"line 14, \[KR_STEEL.dataset\]: release_day: Input should be less"),
        ("reporter = 410", 'reporter = "Korea"', r"line 20, \[KR_STEEL.query\]: reporter: Input should be a valid int"),
        ('sectors = ["7208"]', "sectors = []", r"line 21, \[KR_STEEL.query\]: sectors: "),
        ("[KR_STEEL.dataset]", "[KR_STEEL.datasets]", r"line 6, \[KR_STEEL\]: datasets: Extra inputs"),
        ("[KR_STEEL]", "[KR_STEEL", r"this is not TOML: .*line 2"),
        ("[KR_STEEL]", 'note = "x"\n[KR_STEEL]', r"note is no table named for a dataset"),
    ],
)
def test_a_mistake_is_named_by_table_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in OWN
    with pytest.raises(BadFeeds, match=message):
        read(tmp_path, OWN.replace(old, new, 1))


def test_a_dataset_that_is_not_bundled_has_to_be_described(tmp_path: Path) -> None:
    with pytest.raises(
        BadFeeds, match=r"\[XX\]: XX is not bundled: \[XX.dataset\] or \[XX.indicator\] has to describe it"
    ):
        read(tmp_path, '[XX]\nsource = "comtrade"\nstart = "2008-01"\nquery = { reporter = 156 }\n')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFeeds, match=r"nowhere.toml: no such file"):
        read_feeds(tmp_path / "nowhere.toml")


def test_the_feeds_of_the_manual_are_read(tmp_path: Path) -> None:
    examples = [block.text for block in blocks("docs/operations/sources.md") if block.language == "toml"]
    assert len(examples) == 2
    described = "".join(
        DATASET.replace("KR_STEEL", name) for name in ("CN_IMTS", "CN_SOLAR", "KR_STEEL") if name in examples[1]
    )
    assert sorted(read(tmp_path, examples[0])) == ["CN_PARTNERS"]
    feeds = read(tmp_path, examples[1] + described)
    assert {feed.source for feed in feeds.values()} == {"ember", "sdmx", "gacc", "table"}


def test_the_manual_names_every_source_and_every_field_of_its_query() -> None:
    section = text("docs/operations/sources.md")
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", section, re.MULTILINE))
    assert set(rows) == set(PROVIDERS)
    for name, provider in PROVIDERS.items():
        for field in provider.query.model_fields:
            assert f"`{field}`" in rows[name], (name, field)


def test_a_bundled_indicator_needs_a_place_and_its_columns(tmp_path: Path) -> None:
    text = """
    [CN_PMI]
    source = "table"
    start = "2008-01"
    query = { location = "pmi.xlsx", sheet = "PMI", columns = { month = "month", value = "pmi", vintage = "released" } }
    """
    feed = read(tmp_path, text)["CN_PMI"]
    assert isinstance(feed.definition, IndicatorDefinition)
    assert (feed.definition.kind, feed.definition.lag_days) == ("index", 0)


def test_an_indicator_comes_from_an_sdmx_agency_too(tmp_path: Path) -> None:
    text = """
    [DE_ORDERS]
    source = "sdmx"
    start = "2015-01"
    informs = ["CN_TRADE.X"]
    query = { agency = "OECD", resource = "OECD.SDD,DSD_ORDERS", key = "DEU.M.ORDERS" }

    [DE_ORDERS.indicator]
    title = "Germany's new orders"
    kind = "amount"
    unit = "EUR bn"
    country = "DEU"
    publisher = "Destatis"
    licence = "dl-de/by-2-0"
    citation = "Destatis"
    lag_days = 37
    """
    feed = read(tmp_path, text)["DE_ORDERS"]
    assert isinstance(feed.definition, IndicatorDefinition)
    assert feed.informs == ("CN_TRADE.X",)


def test_an_indicator_is_described_completely(tmp_path: Path) -> None:
    text = """
[DE_ORDERS]
source = "table"
start = "2015-01"
query = { location = "a.csv", columns = { month = "month", value = "value" } }

[DE_ORDERS.indicator]
title = "Orders"
"""
    with pytest.raises(BadFeeds, match=r"line 7, \[DE_ORDERS.indicator\]: kind: Field required"):
        read(tmp_path, text)
