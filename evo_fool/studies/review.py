"""Conclusions that are under review, and why: a page that draws one says so, until its study is done again."""

UNDER_REVIEW = {
    "searches": "that MAP-Elites beats one class at a time, because this genetic algorithm is a weak opponent (20 "
    "generations a class): in a first check ten separate searches that keep their best did as well with pixels.",
}
"""Key of a study -> which conclusion, and the reason, in one sentence."""


def reviewed(key: str, why: str) -> str:
    """The reason for a verdict, with the remark that a conclusion is under review.

    >>> reviewed("repetition", "It keeps 9 %.")[:50]
    'It keeps 9 %. Under review: that one element is no'
    """
    return f"{why} Under review: {UNDER_REVIEW[key]}"
