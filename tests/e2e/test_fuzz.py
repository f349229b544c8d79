"""Schemathesis on the served API, few requests an operation; `make fuzz` makes many."""

import pytest

from tests.integration.api.conftest import World
from tests.integration.api.conftest import original as original  # noqa: PLC0414 - a fixture
from tests.integration.api.conftest import scratch as scratch  # noqa: PLC0414 - a fixture
from tests.support.fuzzing import fuzz


@pytest.mark.parametrize("keyed", [False, True], ids=["without a key", "with a key"])
def test_no_request_has_an_answer_that_the_document_does_not_describe(scratch: World, keyed: bool) -> None:
    pytest.importorskip("schemathesis", reason="the extra `fuzz` is not installed")
    assert fuzz(scratch.engine, scratch, examples=3, keyed=keyed, phases="fuzzing") == 0
