"""Running the marking server: on this machine alone, until somebody interrupts it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import uvicorn

from graders.marking.desk import Desk
from graders.marking.gate import LOOPBACK, Keys
from graders.marking.server import Manner, application
from graders.outcomes import BadInput

SECONDS_TO_END = 3  # for requests that are being answered


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone; raises `BadInput` if that port cannot be had."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)  # `strerror` names the address once more
        raise BadInput(f"--port {port}: {why}; name another one, or none for a free one.") from error


def serve_until_interrupted(
    desk: Desk, listening: socket.socket, manner: Manner, told: Callable[[str], object]
) -> None:
    """Serve one marker.

    Args:
        desk: what there is to mark.
        listening: where requests come in.
        manner: how answers are shown.
        told: is given the line that says where to go.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C; what was saved is saved.
    """
    keys = Keys()
    port: int = listening.getsockname()[1]
    app = application(desk, keys, port, manner)
    settings = uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    address = f"http://{LOOPBACK}:{port}/?token={keys.address}"
    told(manner.words.say("Open {address} in a browser of this machine; Ctrl-C ends it.", address=address))
    uvicorn.Server(settings).run(sockets=[listening])
