"""Texts that templates share."""

import re

from presentation.templates import make_environment
from sources.feed_config import BUNDLED, read_feeds


def test_the_notice_of_no_updates_names_the_datasets_with_live_feeds() -> None:
    macros = make_environment().get_template("macros.html").make_module()
    text = str(macros.updates_off())  # type: ignore[attr-defined]
    live = text.split("fetches", 1)[1].split(";", maxsplit=1)[0]
    assert set(re.findall(r"[A-Z][A-Z_]+", live)) == set(read_feeds(BUNDLED))
