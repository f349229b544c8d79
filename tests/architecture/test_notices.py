import sys

import pytest

from deploy.notices import document, notices
from tests.support.documents import ROOT


def test_every_dependency_has_a_named_licence() -> None:
    found = {notice.name: notice.licence for notice in notices()}
    assert {"fastapi", "prophet", "psycopg", "distributed", "mcp"} <= set(found)
    assert [name for name, licence in found.items() if not licence or licence == "see its text"] == []


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other interpreters need other packages")
def test_the_notices_are_those_of_the_pinned_packages() -> None:
    assert (ROOT / "THIRD_PARTY_NOTICES.md").read_text() == document()
