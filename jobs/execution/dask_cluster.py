"""Many machines: the workers of a dask.distributed cluster behind the same seam as a process pool.

The cluster is the operator's: its scheduler and workers run already, each worker with this release installed. A worker
that is lost costs its series in hand, which others do again.
"""

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager

from distributed import Client, KilledWorker

from forecasting.code_version import code_version
from jobs.execution.executors import silence_plots

CONNECT_SECONDS = 10


class ClusterAway(BrokenExecutor):
    """No scheduler answers, it has no worker, or it was lost during the work."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"the cluster at {address}: {reason}")


class OtherCode(BrokenExecutor):
    """Workers whose source or numerical libraries are not ours would give other numbers."""

    def __init__(self, address: str, workers: list[str]) -> None:
        self.address, self.workers = address, workers
        super().__init__(f"the cluster at {address}: another release is installed on {', '.join(workers)}")


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """The workers of the cluster whose scheduler listens at `address`.

    Raises:
        ClusterAway: it does not answer, has no worker, lost too many, or went away.
        OtherCode: a worker would give other numbers.
    """
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise ClusterAway(address, f"no answer within {CONNECT_SECONDS} seconds") from error
    with client:
        _check_workers(client, address)
        try:
            # Not pure: the same task again is another piece of work, not a result to look up.
            yield client.get_executor(pure=False)
        except (KilledWorker, CancelledError) as error:
            raise ClusterAway(address, str(error) or "lost during the work") from error


def _check_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise ClusterAway(address, "it has no worker") from error
    versions = client.run(code_version)
    others = sorted(worker for worker, version in versions.items() if version != code_version())
    if others:
        raise OtherCode(address, others)
    client.run(silence_plots)
