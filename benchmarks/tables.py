"""Tables as Markdown, and where a benchmark writes them."""

import math
import os
import platform
from pathlib import Path

import pandas as pd


def markdown(table: pd.DataFrame, digits: int) -> str:
    """A table as Markdown: floats with so many digits, whole numbers as they are, nothing for NaN."""
    rows = [
        [str(index), *(_cell(value, digits) for value in row)]
        for index, row in zip(table.index, table.to_numpy(dtype=object), strict=True)
    ]
    lines = [["", *map(str, table.columns)], ["---", *["---:"] * len(table.columns)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def write(path: Path, title: str, sections: list[str]) -> None:
    """Write a results file: a title and its sections."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join([title, *sections]) + "\n", encoding="utf-8")


def _cell(value: object, digits: int) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
