"""``evo-fool study stability`` as a whole command."""

from pathlib import Path

import numpy as np
from support import small, write_photographs

from evo_fool.session import evolve

from .conftest import Invoke


def test_runs_stand_beside_photographs_and_random_images(workplace: Path, invoke: Invoke, invoke_json: Invoke) -> None:
    photos = write_photographs(workplace, 30)
    view = {"scoring": {"view": "random-2"}}
    runs = [evolve(small(**changes), out=workplace) for changes in ({}, view, {"search": {"kind": "random"}})]
    paths = [str(run.path) for run in runs]
    code, out, err = invoke("study", "stability", *paths, "--photos", str(photos), "--to", "kept.png")
    assert code == 0, err
    assert "scoring.view random-2" in out and "printed and photographed: still at 90 %" in out
    assert (workplace / "kept.png").read_bytes().startswith(b"\x89PNG")
    data = invoke_json("study", "stability", *paths, "--photos", str(photos), "--between", "0,9", "--limit", "3")
    assert [one["kind"] for one in data["sets"]] == ["map_elites", "map_elites", "random", "photographs"]
    assert [one["images"] for one in data["sets"][:3]] == [3, 3, 3]
    # The network sees the picture itself, also where the run was scored by other views.
    own = [[elite.log_odds for elite in run.elites if elite.class_index in (0, 4, 9)] for run in runs]
    for one, log_odds, same in zip(data["sets"], own, (True, False, True), strict=False):
        assert (abs(one["under"]["unchanged"]["median log-odds"] - np.median(log_odds)) < 1e-3) == same


def test_what_it_refuses_in_a_line(workplace: Path, invoke: Invoke) -> None:
    path = str(evolve(small(generations=1), out=workplace).path)
    photos = write_photographs(workplace, 4, labels=False)
    for words, told in (
        ([path, path], "given twice"),
        ([path, "--photos", str(photos)], "nothing says their classes"),
        ([path, "--photos", "none"], "none"),
        ([path, "--classifier", "vae-mnist"], "no RUN was evolved on it"),
    ):
        code, _, err = invoke("study", "stability", *words)
        assert code == 2 and told in err and len(err.splitlines()) == 1, err
