"""Version of the code that determines a forecast: this package's source and the numerical libraries."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

NUMERICAL = ("chinesecalendar", "holidays", "numpy", "pandas", "prophet", "scipy")


@cache
def code_version() -> str:
    """Tradewind's release and a digest of this package's source and the releases of the numerical libraries."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    for library in NUMERICAL:
        digest.update(metadata.version(library).encode())
    return f"{metadata.version('tradewind')}+{digest.hexdigest()[:12]}"
