"""Searches side by side: what they are told, in which company, and what happens when one fails."""

from collections.abc import Callable

import pytest

from evo_fool.gradient.lockstep import in_lockstep

Ask = Callable[[int], int]


def counter(first: int, questions: int) -> Callable[[Ask], list[int]]:
    return lambda ask: [ask(first + i) for i in range(questions)]


def test_questions_are_answered_together_and_to_the_one_who_asked() -> None:
    company: list[list[int]] = []

    def answer(numbers: list[int], questions: list[int]) -> list[int]:
        company.append(numbers)
        return [10 * question for question in questions]

    found = in_lockstep([counter(0, 1), counter(100, 3), counter(200, 2)], answer)
    assert found == [[0], [1000, 1010, 1020], [2000, 2010]]
    assert company == [[0, 1, 2], [1, 2], [1]]


def test_no_searches() -> None:
    assert in_lockstep([], lambda numbers, questions: []) == []


def test_a_failing_answer_ends_every_search() -> None:
    def answer(numbers: list[int], questions: list[int]) -> list[int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_lockstep([counter(0, 3), counter(1, 3)], answer)


def test_a_failing_search_lets_the_others_end() -> None:
    ended = []

    def fails(ask: Ask) -> int:
        ask(1)
        raise ValueError("mine")

    def ends(ask: Ask) -> int:
        ended.append(sum(ask(i) for i in range(4)))
        return 0

    with pytest.raises(ValueError, match="mine"):
        in_lockstep([fails, ends], lambda numbers, questions: questions)
    assert ended == [6]
