"""Checks of our own for schemathesis, which loads this file: SCHEMATHESIS_HOOKS."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response


@schemathesis.check
def rules_of_parameters_are_declared(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """A request that satisfies the schema breaks no rule of a single parameter.

    Rules between parameters (`run` or `as_of`), and the order of the months of a period, cannot be declared.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    faults = response.json().get("faults", [])
    undeclared = [fault for fault in faults if "." in fault["where"] and "/" not in fault["value"]]
    if undeclared:
        raise AssertionError(f"the schema does not declare this rule: {undeclared}")
