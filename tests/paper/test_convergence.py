"""The median beside the paper's curve, for runs of a thousand classes."""

from pathlib import Path

import numpy as np
import pytest

from evo_fool.errors import ConfigError
from evo_fool.paper.convergence import draw_beside_paper, write_beside_paper
from evo_fool.pictures.convergence import Series
from evo_fool.runs import open_run
from evo_fool.studies.published import IMAGENET_CPPN_MEDIAN


def series(images: int) -> Series:
    evaluations = np.arange(400, images + 1, 400)
    return Series("ours", "network", 1000, {"evaluations": evaluations, "median": evaluations / (2 * images)})


def test_the_papers_curve_goes_to_the_end_of_ours_and_one_point_beyond() -> None:
    axes = draw_beside_paper([series(200_000)]).axes[0]
    paper, ours = axes.lines
    assert [x / 400 for x in paper.get_xdata()] == [80, 220, 360, 500, 650]
    assert list(paper.get_ydata()) == [0.13, 0.30, 0.42, 0.49, 0.55]
    assert ours.get_ydata()[-1] == 0.5
    assert axes.get_xlim() == (0, 200_000)


def test_a_long_run_shows_the_whole_of_it() -> None:
    paper = draw_beside_paper([series(2_400_000)], log=True).axes[0].lines[0]
    assert len(paper.get_xdata()) == len(IMAGENET_CPPN_MEDIAN)


def test_another_number_of_classes_has_no_place_beside_it(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run, pytest.raises(ConfigError, match=r"10 classes; .* leave --paper out"):
        write_beside_paper([run], tmp_path / "x.png")


@pytest.mark.parametrize(("name", "words"), [("x.gif", "no format of figures"), ("folder.png", "is a folder")])
def test_a_file_that_cannot_be_written_is_refused_first(name: str, words: str, cppn_run: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with open_run(cppn_run) as run, pytest.raises(ConfigError, match=words):
        write_beside_paper([run], tmp_path / name)
