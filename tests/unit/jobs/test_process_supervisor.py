"""A stop is a stop, whatever it interrupts."""

import signal
import subprocess
import sys
import time
import weakref
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from jobs.execution import process_supervisor
from jobs.execution.process_supervisor import (
    ChildEnded,
    Children,
    Stopped,
    stop_signals,
    wait_until_answering,
    watch,
)
from tests.support.web_service import served


def interrupted_query() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        raise ConnectionError("another command is already in progress")


def test_what_fails_because_of_a_stop_is_the_stop():
    with pytest.raises(Stopped) as caught, stop_signals():
        interrupted_query()
    assert isinstance(caught.value.__cause__, ConnectionError)


@contextmanager
def terminal(closing):
    """What becomes of a process whose terminal closes, for a while."""
    before = signal.signal(signal.SIGHUP, closing)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_is_a_stop():
    with terminal(signal.SIG_DFL), pytest.raises(Stopped), stop_signals():
        signal.raise_signal(signal.SIGHUP)


def test_under_nohup_a_closed_terminal_is_none():
    with terminal(signal.SIG_IGN), stop_signals():
        signal.raise_signal(signal.SIGHUP)


def unheard_stop() -> None:
    class Thing:
        pass

    instance = Thing()
    lost = weakref.ref(instance, lambda _: signal.raise_signal(signal.SIGTERM))
    del instance
    assert lost() is None
    time.sleep(30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_python_lets_nobody_hear_of_is_reported_again():
    began = time.monotonic()
    with pytest.raises(Stopped), stop_signals():
        unheard_stop()
    assert time.monotonic() - began < 10


def interrupted_and_slow_to_tidy(tidied: list[bool]) -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        time.sleep(1.2)
        tidied.append(True)


def test_what_is_done_because_of_a_stop_is_not_interrupted_by_it():
    tidied: list[bool] = []
    with pytest.raises(Stopped), stop_signals():
        interrupted_and_slow_to_tidy(tidied)
    assert tidied == [True]


def test_what_fails_by_itself_is_reported_as_it_is():
    with pytest.raises(ConnectionError), stop_signals():
        raise ConnectionError("the database is away")


def child(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code])


def fakes(starts: list[str]) -> Children:
    """Children whose restarts are noted; the API ends after the second."""

    class Fake(Children):
        def start(self, name: str) -> None:
            starts.append(name)
            self.processes[name] = child("")
            if len(starts) == 2:
                self.processes["API"].terminate()

    processes = {"API": child("import time; time.sleep(60)"), "scheduler": child("raise SystemExit(3)")}
    return Fake({}, {}, {"scheduler"}, processes)


def test_a_scheduler_that_ends_is_started_again_and_an_api_that_ends_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[str] = []
    monkeypatch.setattr(process_supervisor, "RESTART_SECONDS", 0.0)
    with pytest.raises(ChildEnded, match="API"):
        watch(fakes(starts))
    assert starts[:2] == ["scheduler", "scheduler"]


def test_a_scheduler_that_ends_before_the_api_answers_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[str] = []
    monkeypatch.setattr(process_supervisor, "RESTART_SECONDS", 0.0)
    with pytest.raises(ChildEnded, match="API"):
        wait_until_answering("http://127.0.0.1:1/live", fakes(starts))
    assert starts[:2] == ["scheduler", "scheduler"]


def test_the_api_is_asked_without_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    application = Starlette(routes=[Route("/live", lambda _: PlainTextResponse("alive"))])
    with served(application) as address:
        wait_until_answering(f"{address}/live", Children({}, {}))
