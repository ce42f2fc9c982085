"""Sequential searches side by side: their questions are answered together, as one batch.

scipy's optimisers call back for one point at a time. Each search gets a thread that waits for its answer; once every
search has asked, one call answers all. So the batches, and with them the results, do not depend on timing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Result = TypeVar("Result")

_ENDED = object()


def in_lockstep(
    searches: Sequence[Callable[[Callable[[Question], Answer]], Result]],
    answer: Callable[[list[int], list[Question]], Sequence[Answer]],
) -> list[Result]:
    """Run each search in a thread of its own until all have ended.

    Args:
        searches: each is given a function that it asks its questions.
        answer: answers, in order, the questions of the searches of these numbers.

    Raises:
        Exception: what a search or ``answer`` raised first.
    """
    asked: SimpleQueue[tuple[int, Any]] = SimpleQueue()
    replies: list[SimpleQueue[Any]] = [SimpleQueue() for _ in searches]

    def work(number: int) -> Result:
        def ask(question: Question) -> Answer:
            asked.put((number, question))
            reply = replies[number].get()
            if isinstance(reply, BaseException):
                raise reply
            return reply

        try:
            return searches[number](ask)
        finally:
            asked.put((number, _ENDED))

    if not searches:
        return []
    with ThreadPoolExecutor(len(searches), thread_name_prefix="evo-fool-lockstep") as pool:
        results = [pool.submit(work, number) for number in range(len(searches))]
        waiting: dict[int, Question] = {}
        alive = len(searches)
        try:
            while alive:
                number, question = asked.get()
                if question is _ENDED:
                    alive -= 1
                else:
                    waiting[number] = question
                if waiting and len(waiting) == alive:
                    numbers = sorted(waiting)
                    found = answer(numbers, [waiting[number] for number in numbers])
                    waiting = {}
                    for number, reply in zip(numbers, found, strict=True):
                        replies[number].put(reply)
        except BaseException as error:  # every search ends at its next question, or the pool would wait for ever
            for queue in replies:
                queue.put(error)
            raise
    return [result.result() for result in results]
