"""Newton's method for a smooth function that is cheap to evaluate, with derivatives by differences."""

from collections.abc import Callable

import numpy as np

from forecasting.types import FloatArray

STEP = 0.05
"""Distance of the differences; arguments are of the order of one."""
LONGEST_STEP = 0.8
SMALLEST_CURVATURE = 1.0
ITERATIONS, HALVINGS = 6, 4


def minimum(function: Callable[[FloatArray], float], start: FloatArray, *, tolerance: float) -> FloatArray:
    """A local minimum near `start` (k,), to a value within about `tolerance` of it.

    Directions of negative curvature are followed downwards. A step that does not lower the value is halved, and ends
    the search if that does not help.
    """
    x, value = start, function(start)
    for _ in range(ITERATIONS):
        gradient, hessian = _derivatives(function, x, value)
        curvature, directions = np.linalg.eigh(hessian)
        step: FloatArray = -directions @ ((directions.T @ gradient) / np.maximum(np.abs(curvature), SMALLEST_CURVATURE))
        expected = -float(gradient @ step) / 2.0
        step *= min(1.0, LONGEST_STEP / max(float(np.linalg.norm(step)), LONGEST_STEP))
        for _ in range(HALVINGS):
            lower = function(x + step)
            if lower < value:
                break
            step = 0.5 * step
        else:
            return x
        x, value = x + step, lower
        if expected < tolerance:
            return x
    return x


def _derivatives(function: Callable[[FloatArray], float], x: FloatArray, value: float) -> tuple[FloatArray, FloatArray]:
    """Gradient (k,) and Hessian (k, k) by differences."""
    moves = STEP * np.eye(len(x))
    up = np.array([function(x + move) for move in moves])
    down = np.array([function(x - move) for move in moves])
    hessian = np.diag(up - 2.0 * value + down)
    for row in range(len(x)):
        for column in range(row):
            both = function(x + moves[row] + moves[column]) - up[row] - up[column] + value
            hessian[row, column] = hessian[column, row] = both
    gradient: FloatArray = (up - down) / (2.0 * STEP)
    return gradient, np.asarray(hessian / STEP**2)
