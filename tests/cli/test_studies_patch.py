"""``evo-fool study patch``."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from support import small, write_photographs

from evo_fool.session import evolve

from .conftest import Invoke


def test_patches_stand_beside_a_photograph_and_noise(tmp_path: Path, invoke: Invoke) -> None:
    photos = write_photographs(tmp_path, 12)
    scene = {"kind": "patch", "photos": str(photos), "between": (0, 4), "cells": ["3"], "places": 1}
    run = evolve(small("pixels", generations=2, scene=scene), out=tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9), dtype=np.uint8)
    (tmp_path / "patches").mkdir()
    Image.fromarray(pixels).save(tmp_path / "patches" / "7_seven.png")
    words = ["study", "patch", str(run.path), "--published", str(tmp_path / "patches"), "--between", "4,12"]
    words += ["--share", "0.1", "--share", "0.3"]
    code, out, _ = invoke(*words, "--to", str(tmp_path / "board.png"))
    assert code == 0
    assert "held-out photographs" in out and "7_seven (published) at 30 % on lenet-mnist" in out
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = invoke(*words, "--json")
    found = json.loads(out)
    assert [one["kind"] for one in found["patches"]] == ["evolved", "published", "natural", "natural"]
    assert found["shares"] == [0.1, 0.3] and len(found["effects"]) == 8
    code, _, err = invoke(*words, "--share", "0.9")
    assert (code, err.count("\n")) == (2, 1) and "does not fit" in err
