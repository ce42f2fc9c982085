"""Make evo_fool/classifiers/data/imagenet_classes.tsv from the wheel of the timm package:

    pip download --no-deps timm==1.0.31
    python docs/tools/make_imagenet_classes.py timm-1.0.31-py3-none-any.whl

timm lists the WordNet ids of the 1000 classes in the order of the networks' outputs, and the words of each. Its
licence is copied beside the table; WordNet's stands in the table's head.
"""

from __future__ import annotations

import argparse
import re
import zipfile
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "evo_fool" / "classifiers" / "data"

_SYNSETS = "timm/data/_info/imagenet_synsets.txt"
_WORDS = "timm/data/_info/imagenet_synset_to_lemma.txt"

_HEAD = """\
The 1000 classes of ImageNet (ILSVRC 2012): index, WordNet id, words.
Made by make_imagenet_classes.py from timm {version} (Copyright 2019 Ross Wightman, Apache License 2.0; LICENSE.timm):
{synsets} and
{words}, put together.
The ids and words are WordNet's, whose licence follows.

This software and database is being provided to you, the LICENSEE, by Princeton University under the following
license. By obtaining, using and/or copying this software and database, you agree that you have read, understood, and
will comply with these terms and conditions.:

Permission to use, copy, modify and distribute this software and database and its documentation for any purpose and
without fee or royalty is hereby granted, provided that you agree to comply with the following copyright notice and
statements, including the disclaimer, and that the same appear on ALL copies of the software, database and
documentation, including modifications that you make for internal use or for distribution.

WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved.

THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS
OR IMPLIED. BY WAY OF EXAMPLE, BUT NOT LIMITATION, PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF
MERCHANTABILITY OR FITNESS FOR ANY PARTICULAR PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR
DOCUMENTATION WILL NOT INFRINGE ANY THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS.

The name of Princeton University or Princeton may not be used in advertising or publicity pertaining to distribution of
the software and/or database. Title to copyright in this software, database and any associated documentation shall at
all times remain with Princeton University and LICENSEE agrees to preserve same.
"""


def make_table(wheel: Path) -> tuple[str, str]:
    """The table, and timm's licence, as text.

    Raises:
        ValueError: the wheel holds something else than 1000 different ids with words for each.
    """
    with zipfile.ZipFile(wheel) as archive:
        synsets = archive.read(_SYNSETS).decode().split()
        words = dict(line.split("\t", 1) for line in archive.read(_WORDS).decode().splitlines())
        (licence,) = [name for name in archive.namelist() if re.search(r"\.dist-info/(licenses/)?LICENSE$", name)]
        licence_text = archive.read(licence).decode()
        version = licence.split("-")[1].removesuffix(".dist")
    if len(set(synsets)) != 1000 or not all(words.get(wnid) for wnid in synsets):
        raise ValueError(f"{wheel}: expected 1000 WordNet ids with words for each")
    head = _HEAD.format(version=version, synsets=_SYNSETS, words=_WORDS)
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    lines += [f"{index}\t{wnid}\t{words[wnid]}" for index, wnid in enumerate(synsets)]
    return "\n".join(lines) + "\n", licence_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="timm-….whl, as pip download leaves it")
    table, licence = make_table(parser.parse_args().wheel)
    DATA.mkdir(exist_ok=True)
    (DATA / "imagenet_classes.tsv").write_text(table, encoding="utf-8")
    (DATA / "LICENSE.timm").write_text(licence, encoding="utf-8")


if __name__ == "__main__":
    main()
