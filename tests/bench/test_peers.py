"""evo-fool beside pyribs: the whole command, at a size that only shows that it works."""

import json

import numpy as np
import pytest

from benchmarks import peers


def test_all_searches_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ribs", reason="pyribs is not installed: make extras")
    assert peers.main(["--images", "1000", "--seeds", "2", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert len(table) == 2 + len(peers.DEVIATIONS)
    assert table["evo-fool, adaptive operators"][0]["median"] < 0.9
    for name, (found,) in table.items():
        assert 0 <= found["median"] <= found["weakest"] <= 1 and found["images_per_cpu_second"] > 0, name


def test_the_figures_are_those_of_the_archive() -> None:
    found = peers._found(np.array([-np.inf, 20.0, 0.0]), images=10, seconds=2.0)
    assert (found.weakest, found.median, found.reached, found.images_per_cpu_second) == (1.0, 0.5, 1, 5.0)
    assert peers.markdown({"x": [found]}).splitlines()[-1] == (
        "| x | 1 (1 to 1) | 1.0e+00 (1.0e+00 to 1.0e+00) | 5.0e-01 (5.0e-01 to 5.0e-01) | 5 (5 to 5) |"
    )
