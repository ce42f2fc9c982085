"""Conclusions that are under review, and why: a page that draws one says so, until its study is done again."""

UNDER_REVIEW = {
    "searches": "that MAP-Elites beats one class at a time, because this genetic algorithm is a weak opponent (20 "
    "generations a class): in a first check ten separate searches that keep their best did as well with pixels.",
    "retraining-imagenet": "that unseen fooling images are recognised, because these come from the same search as "
    "those that were taught: the paper's 70 were bred by people on Picbreeder.",
}
"""Key of a study -> which conclusion, and the reason, in one sentence."""


def reviewed(key: str, why: str) -> str:
    """The reason for a verdict, with the remark that a conclusion is under review.

    >>> reviewed("retraining-imagenet", "It recognises 80 %.")[:60]
    'It recognises 80 %. Under review: that unseen fooling images'
    """
    return f"{why} Under review: {UNDER_REVIEW[key]}"
