"""Limits the number of waiting requests, and cancels those whose browser has left."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.lowlevel import checkpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WAITING = 100
"""Requests without an answer at a time, those under way included; event streams are not."""


class Traffic:
    """ASGI middleware. Work in a thread finishes there, and background tasks after an answer are not disturbed.

    Args:
        app: the application; it does not get the bodies of requests.
        refused: the answer, at once, to one request too many.
        most: requests without an answer at a time.
    """

    def __init__(self, app: ASGIApp, refused: Callable[[Request], Response], most: int = WAITING) -> None:
        self._app = app
        self._refused = refused
        self._most = most
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._waiting >= self._most:
            await self._refused(Request(scope))(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = answered = False
        failure: Exception | None = None
        self._waiting += 1

        async def watched_send(message: Message) -> None:
            nonlocal begun, answered
            if not begun:
                begun = True
                self._waiting -= 1
            answered = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        async def cancel_on_disconnect() -> None:
            while (await receive())["type"] != "http.disconnect":
                await checkpoint()
            if not answered:
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(cancel_on_disconnect)
                try:
                    await self._app(scope, _nothing, watched_send)
                except Exception as error:  # a group would wrap it
                    failure = error
                group.cancel_scope.cancel()
        finally:
            if not begun:
                self._waiting -= 1
        if failure is not None:
            raise failure


async def _nothing() -> Message:
    """What the application receives: requests have no bodies, and disconnects are noticed here."""
    await anyio.sleep_forever()
    raise AssertionError
