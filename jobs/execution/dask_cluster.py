"""The workers of a dask.distributed cluster as a `concurrent.futures.Executor`.

The operator runs the cluster; each worker has this release installed. Other workers repeat the series of a lost worker.
"""

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager

from distributed import Client, KilledWorker

from forecasting.code_version import code_version
from jobs.execution.executors import silence_plots

CONNECT_SECONDS = 10


class ClusterAway(BrokenExecutor):
    """The cluster is unreachable, has no workers, or was lost during the run."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"the cluster at {address}: {reason}")


class OtherCode(BrokenExecutor):
    """Workers have other source or numerical libraries, which would give other results."""

    def __init__(self, address: str, workers: list[str]) -> None:
        self.address, self.workers = address, workers
        super().__init__(f"the cluster at {address}: another release is installed on {', '.join(workers)}")


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """An executor on the workers of the cluster whose scheduler listens at `address`.

    Raises:
        ClusterAway: it is unreachable, has no workers, or was lost.
        OtherCode: a worker would give other results.
    """
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise ClusterAway(address, f"no answer within {CONNECT_SECONDS} seconds") from error
    with client:
        _check_workers(client, address)
        try:
            # Not pure: a repeated task must run again instead of returning a cached result.
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
