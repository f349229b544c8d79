"""Reasons of failures, as they are logged, stored, alerted and served."""

import re

LONGEST = 2000
USERINFO = re.compile(r"(?<=://)[^/\s@]+@")


def failure_reason(error: BaseException) -> str:
    """The error's class and message in at most LONGEST characters, without credentials of URLs.

    NUL, which PostgreSQL refuses in text, is replaced.
    """
    text = f"{type(error).__name__}: {error}".rstrip(": ").replace("\x00", "\\0")
    return USERINFO.sub("***@", text)[:LONGEST]
