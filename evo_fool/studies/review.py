"""Conclusions that are under review, and why: a page that draws one says so, until its study is done again."""

UNDER_REVIEW = {
    "gradient-ascent": "that regularised ascent falls far behind, because its settings were chosen by eye for another "
    "network, CaffeNet: their blur and their ratio of step to decay do not carry over.",
    "repetition": "that one element is not enough, because most of these elites are textures of which all but a strip "
    "was painted over: the paper removed extra copies of objects on an even background.",
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
