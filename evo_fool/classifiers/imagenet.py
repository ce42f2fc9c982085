"""The 1000 classes of ImageNet beyond their names: WordNet ids and synonyms.

The head of the table states its source and licence; ``docs/tools/make_imagenet_classes.py`` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evo_fool.errors import ClassifierError

TABLE = Path(__file__).with_name("data") / "imagenet_classes.tsv"


def imagenet_aliases(names: Sequence[str]) -> list[list[str]]:
    """The WordNet id of each class, followed by its synonyms other than its name.

    Args:
        names: the names of the 1000 classes as a network has them, in the order of its outputs.

    Raises:
        ClassifierError: the table is missing or damaged.

    >>> names = ["class"] * 1000
    >>> imagenet_aliases(names)[761]
    ['n04074963', 'remote control', 'remote']
    """
    try:
        lines = TABLE.read_text(encoding="utf-8").splitlines()
        rows = [line.split("\t") for line in lines if not line.startswith("#")]
        words = {int(index): (wnid, synonyms.split(", ")) for index, wnid, synonyms in rows}
        aliases = [[words[i][0], *words[i][1]] for i in range(len(names))]
    except (OSError, ValueError, KeyError) as error:
        raise ClassifierError(f"{TABLE} is missing or damaged ({error}); install evo-fool again") from None
    return [[a for a in others if a != name] for name, others in zip(names, aliases, strict=True)]
