"""ASGI middleware for every answer: only trusted hosts, and headers that let nothing foreign onto a page."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""For a drawing, which contains its style sheet."""

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}


class TrustedHosts:
    """Refuses requests for another host: a foreign page could point its own host name at this server (DNS rebinding).

    Args:
        app: the application.
        hosts: names and addresses that the server answers to, lower case.
        any_address: answer to every IP address as well, for a server that listens on all: rebinding takes a name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, any_address: bool = False) -> None:
        self.app = app
        self._hosts = frozenset(hosts)
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._trusted(Headers(scope=scope).get("host", "")):
            sentence = "the gallery was not started for this host name; see evo-fool gallery --host"
            await JSONResponse({"error": sentence}, 400)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _trusted(self, header: str) -> bool:
        try:
            host = urlsplit(f"//{header}").hostname or ""
        except ValueError:
            return False
        return host in self._hosts or (self._any_address and _is_address(host))


class SafeHeaders:
    """Adds security headers; those that an answer already has stay."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at ``host``.

    >>> is_loopback("localhost"), is_loopback("127.0.0.2"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_everywhere(host: str) -> bool:
    """Whether a server at ``host`` listens on all of this machine's addresses."""
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def own_names(host: str) -> set[str]:
    """The host names that a server at ``host`` answers to."""
    names = {*LOOPBACK, host.lower()}
    if is_everywhere(host):
        names |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local", socket.getfqdn().lower()}
    return names


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
