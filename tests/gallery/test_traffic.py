"""Requests are given up with their browsers, and only so many wait."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from evo_fool.gallery.traffic import Traffic

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}


class Browser:
    """Asks, waits, and may leave."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.left = anyio.Event()
        self.answered = anyio.Event()

    async def ask(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        await app(dict(SCOPE), self._receive, self._send)

    async def _receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.answered.set()
            self.left.set()  # as uvicorn says it when all has been sent


def refused(request: Request) -> Response:
    return PlainTextResponse("too many", 503)


def test_a_request_is_given_up_with_its_browser() -> None:
    ended: list[str] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("given up")

    async def watch() -> None:
        browser, traffic = Browser(), Traffic(slow, refused)
        async with anyio.create_task_group() as group:
            group.start_soon(browser.ask, traffic)
            await anyio.wait_all_tasks_blocked()
            assert ended == []
            browser.left.set()
        assert traffic._waiting == 0 and browser.status == 0

    anyio.run(watch)
    assert ended == ["given up"]


def test_what_waits_for_a_thread_is_never_begun() -> None:
    begun: list[Any] = []

    async def threaded(scope: Scope, receive: Receive, send: Send) -> None:
        await to_thread.run_sync(begun.append, scope)

    async def watch() -> None:
        limiter = to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        browsers, traffic = [Browser() for _ in range(20)], Traffic(threaded, refused)
        async with anyio.create_task_group() as group, limiter:
            for browser in browsers:
                group.start_soon(browser.ask, traffic)
            await anyio.wait_all_tasks_blocked()
            for browser in browsers:
                browser.left.set()
            await anyio.wait_all_tasks_blocked()
        assert traffic._waiting == 0

    anyio.run(watch)
    assert begun == []


def test_only_so_many_wait() -> None:
    goes_on: list[anyio.Event] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await goes_on[0].wait()
        await PlainTextResponse("here")(scope, receive, send)

    async def watch() -> None:
        goes_on.append(anyio.Event())
        browsers, traffic = [Browser() for _ in range(7)], Traffic(slow, refused, most=4)
        async with anyio.create_task_group() as group:
            for browser in browsers:
                group.start_soon(browser.ask, traffic)
            await anyio.wait_all_tasks_blocked()
            assert sorted(browser.status for browser in browsers) == [0] * 4 + [503] * 3
            goes_on[0].set()
        assert sorted(browser.status for browser in browsers) == [200] * 4 + [503] * 3
        assert traffic._waiting == 0

    anyio.run(watch)


def test_a_stream_is_none_that_waits() -> None:
    async def parts() -> Any:
        yield b"first"
        await anyio.sleep_forever()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(parts())(scope, receive, send)

    async def watch() -> None:
        browsers, traffic = [Browser() for _ in range(7)], Traffic(stream, refused, most=2)
        async with anyio.create_task_group() as group:
            for browser in browsers:
                group.start_soon(browser.ask, traffic)
                await anyio.wait_all_tasks_blocked()
            assert [(browser.status, browser.body) for browser in browsers] == [(200, b"first")] * 7
            for browser in browsers:
                browser.left.set()

    anyio.run(watch)


def test_what_goes_on_after_an_answer_is_not_disturbed() -> None:
    done: list[str] = []

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("here")(scope, receive, send)
        await anyio.sleep(0.05)
        done.append("after")

    async def watch() -> None:
        browser = Browser()
        await browser.ask(Traffic(answers, refused))
        assert (browser.status, browser.body) == (200, b"here")

    anyio.run(watch)
    assert done == ["after"]


def test_errors_are_raised_as_they_are() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        anyio.run(Browser().ask, Traffic(broken, refused))
