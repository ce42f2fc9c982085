"""The gallery as a process: its socket, and its end."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType

import uvicorn

from evo_fool.errors import EvoFoolError
from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.security import is_everywhere, own_names

_GRACE = 2
"""Seconds that answers under way have when the server ends."""

DEFAULT_PORT = 8317


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, gallery: Gallery) -> None:
        super().__init__(config)
        self._gallery = gallery

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Ctrl-C is how a gallery ends; uvicorn would raise the signal again afterwards.
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gallery.end()
        # uvicorn's own limit logs an error for every answer that takes longer.
        cut = asyncio.get_running_loop().call_later(_GRACE, self._hang_up)
        await super().shutdown(sockets)
        cut.cancel()

    def _hang_up(self) -> None:
        """Close the connections of answers that take too long, which cancels them."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket.

    Args:
        host: a name or address of this machine.
        port: 0 for any free one; None for the default, or any free one if that is taken.

    Raises:
        EvoFoolError: the port is taken, or the host is not this machine.
    """
    if port is None:
        try:
            return listen(host, DEFAULT_PORT)
        except EvoFoolError:
            return listen(host, 0)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EvoFoolError(f"cannot listen at {host}:{port}: {reason}; choose another --host or --port") from None
    return listener


def address_of(host: str, listener: socket.socket) -> str:
    """The URL to open in a browser on this machine."""
    port = listener.getsockname()[1]
    name = "localhost" if is_everywhere(host) else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def serve(library: Library, host: str, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    gallery = Gallery(library, hosts=own_names(host), any_address=is_everywhere(host))
    config = uvicorn.Config(
        gallery,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        loop="asyncio",
        http="h11",
    )
    _Server(config, gallery).run(sockets=[listener])
