"""Tasks on an executor: a bounded number at a time, their results in the order of the tasks."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

PULSE_SECONDS = 5.0
"""Progress is reported at least this often while a result is waited for, so that a run that hangs can be ended."""
Task = TypeVar("Task")
Result = TypeVar("Result")


class KeepsMemoryOrder:
    """A dataclass that is pickled with the memory order of its arrays.

    Pickle makes a slice row-major, and numpy adds numbers in the order of memory: in another process a sum would differ
    in its last bit.
    """

    def __getstate__(self) -> dict[str, Any]:
        """The fields, arrays with their axes in the order of memory."""
        return {name: _in_memory_order(value) for name, value in vars(self).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the fields."""
        vars(self).update({name: _restored(value) for name, value in state.items()})


class _InMemoryOrder(NamedTuple):
    """A row-major array, and the axes that restore the original."""

    values: NDArray[Any]
    axes: tuple[int, ...]


def _in_memory_order(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.ndim < 2:
        return value
    axes = np.argsort(-np.abs(value.strides), kind="stable")
    return _InMemoryOrder(value.transpose(axes), tuple(np.argsort(axes).tolist()))


def _restored(value: Any) -> Any:
    return value.values.transpose(value.axes) if isinstance(value, _InMemoryOrder) else value


def ordered_results(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    executor: Executor | None,
    at_once: int,
    on_pulse: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """The results of `work` on each task, in order; without an executor the work is done in this process.

    The executor holds at most `at_once` tasks and results; later tasks are made when they are sent. `on_pulse` is
    called every PULSE_SECONDS while a result is waited for.
    """
    if executor is None:
        yield from map(work, tasks)
        return
    pending = deque[Future[Result]]()
    try:
        for task in tasks:
            if len(pending) == at_once:
                yield _result(pending.popleft(), on_pulse)
            pending.append(executor.submit(work, task))
        while pending:
            yield _result(pending.popleft(), on_pulse)
    finally:
        for future in pending:
            future.cancel()


def _result(future: Future[Result], on_pulse: Callable[[], None]) -> Result:
    while not future.done():
        try:
            return future.result(timeout=PULSE_SECONDS)
        except TimeoutError:
            on_pulse()
    return future.result()
