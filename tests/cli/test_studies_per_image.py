"""``evo-fool study per-image``, after ``evo-fool gradient lbfgs``."""

import json
from pathlib import Path

from support import write_photographs

from .conftest import Invoke


def test_changes_stand_beside_noise(tmp_path: Path, invoke: Invoke) -> None:
    photos = write_photographs(tmp_path, 12)
    least = ["--photos", str(photos), "--count", "2", "--target", "random", "--searches", "1", "--out", str(tmp_path)]
    code, out, _ = invoke("gradient", "lbfgs", *least, "--json")
    assert code == 0
    runs = [pair["run"] for pair in json.loads(out)["pairs"]]
    code, out, _ = invoke("study", "per-image", *runs, "--to", str(tmp_path / "board.png"))
    assert code == 0
    assert "gradient-lbfgs, 2 photographs: median distortion" in out
    assert "gradient-lbfgs (lbfgs), 2 photographs on lenet-mnist (its own): the answer is the target" in out
    assert ".0065 (AlexNet)" in out
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")
    code, out, _ = invoke("study", "per-image", *runs, "--json")
    assert json.loads(out)["photographs"][0]["pairs"] == 2
    code, _, err = invoke("study", "per-image", *runs, "--photos", str(tmp_path / "none"))
    assert (code, err.count("\n")) == (2, 1)
    assert "none" in err
    code, _, err = invoke("study", "per-image")
    assert code == 2 and "RUN" in err
