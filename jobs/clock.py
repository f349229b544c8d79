"""The clock that jobs are given: only entry points read the machine's own."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""The current time, with a time zone."""
