"""Names of image files: ``<class>_<probability>.png``, alone or in the layout of the 2015 image set.

That layout is ``map_gen_<generation>/map_<generation>_<class>_<probability>.png``. A class is its index, never its
name: names can come from other sources and have no place in a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evo_fool.text import probability_text

_IMAGE = re.compile(
    r"(?:map_(?P<generation>[0-9]{1,9})_)?(?P<cls>[0-9]{1,9})_(?P<probability>[0-9.]{1,32}(?:[eE][+-]?[0-9]{1,3})?)\.png",
    re.ASCII,
)
_FOLDER = re.compile(r"map_gen_([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageName:
    """The contents of an image file's name.

    Attributes:
        class_index: the class.
        probability: the probability that the name claims, in [0, 1].
        generation: the generation, in the 2015 layout; None elsewhere.
    """

    class_index: int
    probability: float
    generation: int | None = None


def stem(class_index: int, classes: int, probability: float) -> str:
    """``<class>_<probability>``, the class padded with zeros to the width of the largest index.

    >>> stem(7, 1000, 0.99999996), stem(7, 10, 1.0), stem(7, 10, 0.25)
    ('007_0.999999', '7_1.000000', '7_0.250000')
    """
    return f"{class_index:0{len(str(classes - 1))}d}_{probability_text(probability)}"


def layout_path(generation: int, class_index: int, probability: float) -> str:
    """The path of an image in the layout of the 2015 image set, which does not pad.

    >>> layout_path(200, 7, 0.5)
    'map_gen_200/map_200_7_0.500000.png'
    """
    return f"map_gen_{generation}/map_{generation}_{class_index}_{probability_text(probability)}.png"


def parse_image_name(name: str) -> ImageName | None:
    """The contents of a file name, or None if it is not the name of such an image.

    >>> parse_image_name("map_5000_12_0.987.png")
    ImageName(class_index=12, probability=0.987, generation=5000)
    >>> parse_image_name("07_1e-05.png"), parse_image_name("07_1.5.png"), parse_image_name("cat.png")
    (ImageName(class_index=7, probability=1e-05, generation=None), None, None)
    """
    match = _IMAGE.fullmatch(name)
    if match is None:
        return None
    try:
        probability = float(match["probability"])
    except ValueError:  # such as 1.2.3
        return None
    if not 0 <= probability <= 1:
        return None
    generation = match["generation"]
    return ImageName(int(match["cls"]), probability, None if generation is None else int(generation))


def parse_folder_name(name: str) -> int | None:
    """The generation of a folder named ``map_gen_<generation>``, or None.

    >>> parse_folder_name("map_gen_5000"), parse_folder_name("map_gen_")
    (5000, None)
    """
    match = _FOLDER.fullmatch(name)
    return None if match is None else int(match[1])
