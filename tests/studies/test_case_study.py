"""Case studies: which runs the report asks about, which classes a user names, and what is missing without a network."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import change

from evo_fool.errors import ConfigError
from evo_fool.runs import open_run
from evo_fool.studies.case_study import NO_NETWORK, CaseStudy, Subject, elites_asked, subjects
from evo_fool.studies.context import Context
from evo_fool.studies.options import RunOptions
from evo_fool.studies.section import Row
from evo_fool.studies.study import Skipped


@dataclass(frozen=True, slots=True)
class Count:
    """Occupied cells of one run."""

    what: str
    cells: int


class Occupied(CaseStudy[RunOptions]):
    """Counts occupied cells, of ImageNet's run only; draws nothing."""

    key = "occupied"
    title = "Occupied cells"
    digits = False

    def case(self, context: Context, subject: Subject) -> Count:
        return Count(subject.what, len(subject.run))

    def measure_case(self, context: Context, case: Count) -> dict[str, Any]:
        return {"cells": case.cells}

    def case_rows(self, what: str, entry: dict[str, Any]) -> list[Row]:
        return [Row(f"{what}: cells", entry["cells"])]


def test_the_report_asks_about_the_imagenet_network_where_there_is_one(stand_in: Any) -> None:
    study = Occupied()
    data = study.measure(stand_in)
    assert data == {"ImageNet": {"cells": 3}}
    assert study.rows(data) == [Row("ImageNet: cells", 3)]
    assert study.pictures(stand_in, data) == []  # it draws none
    (preset, settings), *_ = stand_in.asked
    weights = stand_in.data.folder / "imagenet" / "weights" / "squeezenet1_1.pt"
    assert (preset, settings["classifier.weights"]) == ("imagenet-cppn", str(weights))


def test_the_subject_is_scored_by_the_network_that_it_was_evolved_on(stand_in: Any) -> None:
    with subjects(stand_in, None, digits=False) as found:
        (subject,) = found
        assert subject.scorer.classifier.fingerprint() == subject.run.classifier_fingerprint


def test_without_a_network_the_study_is_skipped_and_says_what_it_needs(small_reproduction: Context) -> None:
    with pytest.raises(Skipped) as caught:
        Occupied().load(small_reproduction)
    assert str(caught.value) == NO_NETWORK
    section = Occupied().section(small_reproduction)
    assert (section.verdict, section.why) == ("skipped", NO_NETWORK)


def test_elites_are_those_named_or_an_even_choice(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        assert elites_asked(run, RunOptions(run="latest", classes=("7", "2"))).targets.tolist() == [7, 2]
        assert elites_asked(run, RunOptions(run="latest")).targets.tolist() == list(range(10))
        few = elites_asked(run, RunOptions(run="latest", limit=3)).targets.tolist()
    assert len(few) == 3 and few[0] == 0


def test_a_run_without_elites_is_refused(cppn_run: Path, tmp_path: Path) -> None:
    path = change(Path(shutil.copytree(cppn_run, tmp_path / "run")), "DELETE FROM cells")
    with open_run(path) as run, pytest.raises(ConfigError) as caught:
        elites_asked(run, RunOptions(run="latest"))
    assert str(caught.value) == f"{path}: no image holds any class yet; evolve further"
