"""A series as a small line beside a number: the last months of a row of a table."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 90, 22


def sparkline(values: Sequence[float]) -> Markup:
    """An SVG line of values, oldest first; empty for fewer than two."""
    if len(values) < 2:
        return Markup("")
    lowest, highest = min(values), max(values)
    spread = (highest - lowest) or 1.0
    points = " ".join(
        f"{1 + (WIDTH - 2) * place / (len(values) - 1):.1f},{HEIGHT - 2 - (HEIGHT - 4) * (value - lowest) / spread:.1f}"
        for place, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" width="{}" height="{}" viewBox="0 0 {} {}" aria-hidden="true">'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.3"/></svg>'
    ).format(WIDTH, HEIGHT, WIDTH, HEIGHT, points)
