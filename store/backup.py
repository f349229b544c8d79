"""Backups: a dump of the whole database, and its restoration, by `pg_dump` and `pg_restore` of the bundled wheel.

They connect to the embedded server and to any other whose release is not newer than theirs.
"""

import os
import subprocess
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Engine

from store.errors import BackupFailed, DatabaseNotEmpty
from store.postgres_server import programs


def dump(engine: Engine, path: Path) -> None:
    """Write a backup, which replaces the file once it is complete. Raises BackupFailed."""
    partial = path.with_name(path.name + ".partial")
    try:
        _run("pg_dump", engine, "--format", "custom", "--no-owner", "--no-privileges", "--file", str(partial))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def restore(engine: Engine, path: Path) -> None:
    """Fill an empty database from a backup, completely or not at all. Raises BackupFailed, DatabaseNotEmpty."""
    if not path.is_file():
        raise BackupFailed("pg_restore", f"there is no file {path}")
    tables = sa.inspect(engine).get_table_names()
    if tables:
        raise DatabaseNotEmpty(len(tables))
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    _run("pg_restore", engine, *options, str(path))


def _run(program: str, engine: Engine, *arguments: str) -> None:
    url = engine.url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    # In the environment, other users of the machine cannot read the password.
    environment = os.environ | ({"PGPASSWORD": str(engine.url.password)} if engine.url.password else {})
    command = [str(programs() / program), "--dbname", url, *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BackupFailed(program, ran.stderr.strip() or f"exit code {ran.returncode}")
