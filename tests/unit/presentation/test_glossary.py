"""Terms on pages have the meaning of the glossary."""

import pytest

from presentation.glossary import MEANINGS, with_terms
from tests.support.documents import ROOT


def glossary() -> dict[str, str]:
    """Meanings by term, of the tables of the glossary."""
    rows = (line.split(" | ") for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines())
    return {row[0].removeprefix("| ").strip("`"): row[1] for row in rows if len(row) >= 3}


@pytest.mark.parametrize("term", MEANINGS)
def test_a_term_has_the_meaning_of_the_glossary(term: str) -> None:
    assert MEANINGS[term] == glossary()[term]


def test_a_term_is_marked_where_it_first_appears() -> None:
    marked = str(with_terms("MASE of folds & MASE <of> coverage; masement"))
    assert marked.count("<abbr") == 3
    assert marked.startswith('<abbr class="term" tabindex="0" title="mean absolute error')
    assert ">fold</abbr>s &amp; MASE &lt;of&gt; <abbr" in marked
    assert marked.endswith("</abbr>; masement")


def test_text_without_terms_is_escaped_only() -> None:
    assert str(with_terms("Period <b>")) == "Period &lt;b&gt;"
