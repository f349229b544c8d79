"""One data directory for the file, made once: each test leaves it stopped."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import embedded_postgres, postgres_server
from store.database import make_engine
from store.errors import ServerFailed
from store.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
USER = """
import sys, time
from pathlib import Path
from store import embedded_postgres
with embedded_postgres.start(Path(sys.argv[1]), durable=False) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tw-", ignore_cleanup_errors=True) as directory:
        with embedded_postgres.start(Path(directory), durable=False):
            pass
        yield Path(directory)


def user(data_dir: Path) -> "subprocess.Popen[str]":
    """Another process that uses the server until it receives a signal, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql")
    return process


def leave(process: "subprocess.Popen[str]") -> None:
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def answers(url: str) -> bool:
    engine = make_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            return bool(connection.execute(sa.text("SELECT true")).scalar_one())
    except sa.exc.OperationalError:
        return False
    finally:
        engine.dispose()


def test_the_server_stops_with_its_only_user(data_dir: Path) -> None:
    with embedded_postgres.start(data_dir, durable=False) as url:
        assert answers(url)
    assert not answers(url)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_a_process_that_joins_does_not_stop_the_server_when_it_leaves(data_dir: Path) -> None:
    with embedded_postgres.start(data_dir, durable=False) as url:
        leave(user(data_dir))
        assert answers(url)


def test_the_process_that_started_the_server_may_leave_first(data_dir: Path) -> None:
    owner = user(data_dir)
    with embedded_postgres.start(data_dir, durable=False) as url:
        leave(owner)
        assert answers(url)
    assert not answers(url)


def test_after_a_user_is_killed_the_next_one_stops_the_server(data_dir: Path) -> None:
    killed = user(data_dir)
    killed.kill()
    killed.communicate()
    with embedded_postgres.start(data_dir, durable=False) as url:
        assert answers(url)
    assert not answers(url)


def test_after_the_server_is_killed_it_starts_again(data_dir: Path) -> None:
    with embedded_postgres.start(data_dir, durable=False):
        os.kill(server_pid(data_dir), signal.SIGKILL)
    with embedded_postgres.start(data_dir, durable=False) as url:
        assert answers(url)


def test_a_server_that_is_killed_is_restarted_while_it_is_used(data_dir: Path) -> None:
    with embedded_postgres.start(data_dir, durable=False) as url:
        os.kill(server_pid(data_dir), signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not answers(url) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert answers(url)
    assert not answers(url)


def test_a_server_left_in_a_shutdown_does_not_lock_the_next_user_out(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "STOP_SECONDS", 1.0)
    with embedded_postgres.start(data_dir, durable=False) as url:
        pid = server_pid(data_dir)
        engine = make_engine(url, pool_size=1)
        with engine.connect():
            # A smart shutdown waits for the connection, for ever.
            os.kill(pid, signal.SIGTERM)
            status = data_dir / "postgres" / "postmaster.pid"
            while "stopping" not in status.read_text():
                time.sleep(0.02)
            server = PostgresServer(data_dir.resolve(), durable=False)
            server.ensure_running()
            assert server_pid(data_dir) != pid
        engine.dispose()
        assert answers(url)
    assert not answers(url)


def test_a_socket_directory_made_by_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    server = PostgresServer(tmp_path / ("long" * 30), durable=False)
    monkeypatch.setattr(postgres_server, "server_identity", lambda _path: {})
    made = server._socket_dir()
    assert server._socket_dir() == made
    made.chmod(0o777)
    with pytest.raises(ServerFailed, match="another user"):
        server._socket_dir()
    made.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    made.symlink_to(elsewhere)
    with pytest.raises(ServerFailed, match="another user"):
        server._socket_dir()


def test_directories_above_the_data_directory_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True, mode=0o700)
    closed.chmod(0o700)
    if os.geteuid() == 0:
        with pytest.raises(ServerFailed, match="may not enter"), embedded_postgres.start(closed / "data"):
            pass
    assert closed.stat().st_mode & 0o777 == 0o700


def test_the_number_of_a_dead_server_may_belong_to_another_process(data_dir: Path) -> None:
    stale = f"{os.getpid()}\n{data_dir}/postgres\n0\n5432\n{data_dir}/postgres\n\n0 0\nready\n"
    (data_dir / "postgres" / "postmaster.pid").write_text(stale)
    with embedded_postgres.start(data_dir, durable=False) as url:
        assert answers(url)
        assert server_pid(data_dir) != os.getpid()


def test_ctrl_c_reaches_the_user_but_not_the_server(data_dir: Path) -> None:
    first = user(data_dir)
    with embedded_postgres.start(data_dir, durable=False) as url:
        os.killpg(first.pid, signal.SIGINT)
        first.communicate(timeout=30)
        assert answers(url)


def test_two_directories_run_side_by_side_whatever_their_names(data_dir: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tw-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)
        awkward = Path(directory) / 'a b,$c"' / ("long" * 30)
        with (
            embedded_postgres.start(awkward, durable=False) as row,
            embedded_postgres.start(data_dir, durable=False) as other,
        ):
            assert row != other
            assert answers(row)
            assert answers(other)


def test_a_half_made_cluster_is_made_again() -> None:
    with tempfile.TemporaryDirectory(prefix="tw-", ignore_cleanup_errors=True) as directory:
        (Path(directory) / "postgres.new").mkdir()
        (Path(directory) / "postgres.new" / "PG_VERSION").write_text("18\n")
        with embedded_postgres.start(Path(directory), durable=False) as url:
            assert answers(url)


def test_an_interrupted_start_leaves_no_server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    server = PostgresServer(data_dir.resolve(), durable=False)
    monkeypatch.setattr(embedded_postgres, "PostgresServer", lambda *_args, **_options: server)
    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt), embedded_postgres.start(data_dir):
        pass
    assert server.process is not None
    assert server.process.poll() is not None


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerFailed, match="not a directory"), embedded_postgres.start(tmp_path / "file" / "data"):
        pass


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    settings = data_dir / "postgres" / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "\nno_such_setting = 1\n")
    with pytest.raises(ServerFailed, match="no_such_setting"), embedded_postgres.start(data_dir):
        pass
    settings.write_text(good)
