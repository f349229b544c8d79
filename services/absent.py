"""What was asked for by name and is not here; each is a 404.

NotStored
├── NoRunAsOf
└── RunOfAnotherDataset
"""

from datetime import date

from store.errors import NotStored


class NoRunAsOf(NotStored):
    """Every published run knows more than was known on a day."""

    def __init__(self, dataset: str, as_of: date, latest: date) -> None:
        self.dataset, self.as_of, self.latest = dataset, as_of, latest
        super().__init__(f"no published run of {dataset} is as of {as_of} or earlier; the latest is as of {latest}")


class RunOfAnotherDataset(NotStored):
    """A run that exists, and is of another dataset than was asked about."""

    def __init__(self, run: int, dataset: str, *, asked: str) -> None:
        self.run, self.dataset, self.asked = run, dataset, asked
        super().__init__(f"run {run} is of {dataset}, not of {asked}")
