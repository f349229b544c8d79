"""An application served on loopback, for clients that open sockets of their own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette


@contextmanager
def served(application: Starlette, **settings: Any) -> Iterator[str]:
    """The address of the application, served until the end of the block; `settings` are uvicorn's."""
    server = uvicorn.Server(uvicorn.Config(application, **({"log_config": None, "lifespan": "on"} | settings)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server ended before it started"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
