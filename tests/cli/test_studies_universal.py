"""``evo-fool study universal``."""

import json
from pathlib import Path

import numpy as np
from support import small, write_photographs

from evo_fool.session import evolve

from .conftest import Invoke


def test_runs_and_published_perturbations_stand_beside_noise(tmp_path: Path, invoke: Invoke) -> None:
    photos = write_photographs(tmp_path, 12)
    scene = {"kind": "perturbation", "photos": str(photos), "between": (0, 4), "epsilon": 60, "cells": "other"}
    run = evolve(small("pixels", generations=2, scene=scene), out=tmp_path)
    np.save(tmp_path / "zeros.npy", np.zeros((28, 28, 1), np.float32))
    words = ["study", "universal", str(run.path), "--published", str(tmp_path / "zeros.npy")]
    code, out, _ = invoke(*words, "--epsilon", "2", "--epsilon", "8", "--to", str(tmp_path / "board.png"))
    assert code == 0
    assert "Fooling rates on 8 held-out photographs" in out
    assert "random signs, L∞ 60 on lenet-mnist" in out
    assert "ε 8" in out
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = invoke(*words, "--json")
    found = json.loads(out)
    assert [one["kind"] for one in found["perturbations"]] == ["evolved", "published", *["noise"] * 4]
    assert found["effects"][1]["fooled"] == 0
    code, _, err = invoke(*words, "--photos", str(tmp_path / "none"))
    assert code == 2
    assert "none" in err
