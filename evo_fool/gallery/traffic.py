"""Requests as they come and go: how many may wait for their answers, and giving up those whose browser has left."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.lowlevel import checkpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WAITING = 100
"""Requests that may be without an answer at a time; those under way are among them, streams of events are not."""


class Traffic:
    """Refuses requests at once where too many are waiting, and cancels those whose browser has left.

    What has not begun when its browser leaves is never done. What runs in a thread is brought to its end there, and
    what goes on after an answer is not disturbed.

    Args:
        app: what answers; it does not get the bodies of requests.
        refused: the answer to a request that is one too many.
        most: requests that may be without an answer at a time.
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

        async def give_up_with_the_browser() -> None:
            while (await receive())["type"] != "http.disconnect":
                await checkpoint()
            if not answered:
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(give_up_with_the_browser)
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
    """What an application receives whose requests have no bodies, and whose browsers' leaving is noticed here."""
    await anyio.sleep_forever()
    return {"type": "http.disconnect"}
