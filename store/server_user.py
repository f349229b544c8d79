"""The user that a PostgreSQL server runs as: PostgreSQL refuses to run as root."""

import os
import pwd
from pathlib import Path
from typing import Any

from store.errors import ServerFailed


def server_identity(path: Path) -> dict[str, Any]:
    """The user of the server: the current one, or for root, which PostgreSQL refuses, the owner of `path` or nobody."""
    if os.geteuid() != 0:
        return {}
    status = path.stat()
    if status.st_uid:
        return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def allow_traversal(directory: Path) -> None:
    """Let other users pass through, not list, a directory of ours. Raises ServerFailed where a parent is closed."""
    directory.chmod(directory.stat().st_mode | 0o011)
    check_traversal(directory, directory)


def check_traversal(path: Path, data_dir: Path) -> None:
    """Raise ServerFailed where a server that does not run as root cannot reach a path."""
    closed = [parent for parent in path.parents if not parent.stat().st_mode & 0o001]
    if closed:
        reason = f"started by root it runs as another user, who may not enter {closed[0]}"
        raise ServerFailed(str(data_dir), f"{reason}; choose another directory, or start Tradewind as another user")
