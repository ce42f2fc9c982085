"""Objects handed to evolve: recorded by name, asked for to resume, and a run that says what it lacks without them."""

from functools import partial
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel, Field
from support import change, small
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.encodings.base import Encoding, Genomes
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.evolution import ArchiveStrategy, ClassArchive, Population, RandomSearch
from evo_fool.experiment import Experiment
from evo_fool.randomness import Stream
from evo_fool.runs import Run, digest, open_run, verify
from evo_fool.session import Progress, evolve, resume


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


class Flat(Encoding):
    """Images of one grey level."""

    codec, resizable = "flat/1", True

    def random(self, n: int, rng: Stream) -> Genomes:
        return rng.random((n, 1))

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        return np.clip(genomes + rng.normal(0, 0.1, genomes.shape), 0, 1)

    def render(self, genomes: Genomes, size: int | None = None) -> np.ndarray:
        side = size or self.size
        return np.broadcast_to((255 * genomes).astype(np.uint8)[:, :, None, None], (len(genomes), 1, side, side)).copy()

    def encode(self, genome: Any) -> bytes:
        return bytes(genome.tobytes())

    def decode(self, data: bytes) -> Genomes:
        return np.frombuffer(data).reshape(1, 1)

    def describe(self, genome: Any) -> dict[str, Any]:
        return {"level": float(genome[0])}

    def genome_object(self, genome: Any) -> float:
        return float(genome[0])


class Youngest(ArchiveStrategy):
    """Mutates the elites that took their cells last."""

    class Config(BaseModel, extra="forbid"):
        kind: str
        count: int = Field(4, ge=1)

    def __init__(self, *args: Any, parents: int = 4) -> None:
        super().__init__(*args)
        self.count = getattr(self.experiment.search, "count", parents)

    def generate(self, generation: int) -> Population:
        if generation == 0:
            return self.random_population(generation)
        cells = np.argsort(-self.archive.generations, kind="stable")[: self.count]
        genomes = self.mutated(self.archive.genomes_of(cells), generation)
        return Population.fresh(generation, self.evaluations, genomes, "youngest", self.archive.ids[cells])


def swap(toolbox: Any) -> None:
    toolbox.register("mutate", lambda genomes, rng, generation: genomes[:, ::-1].copy())


OBJECTS: dict[str, dict[str, Any]] = {
    "classifier": {"classifier": network()},
    "encoding": {"encoding": Flat(size=28, channels=1)},
    "search": {"search": Youngest},
    "search with settings": {"search": partial(Youngest, parents=2)},
    "toolbox": {"toolbox": swap},
    "all": {"classifier": network(), "encoding": Flat(size=28, channels=1), "search": Youngest, "toolbox": swap},
}
NAMES = {"classifier": "Sequential", "encoding": "Flat", "search": "Youngest", "toolbox": "swap"}


def stop_at(generation: int, progress: Progress) -> str:
    return "enough" if progress.generation == generation else ""


@pytest.mark.parametrize("objects", OBJECTS.values(), ids=OBJECTS.keys())
def test_a_run_with_objects_resumes_with_them_and_not_without(objects: dict[str, Any], out: Path) -> None:
    whole = evolve(small("pixels"), out=out, **objects)
    part = evolve(small("pixels"), out=out, callbacks=[partial(stop_at, 5)], **objects)
    assert (part.status, part.generation) == ("stopped", 5)
    assert part.objects == {name: NAMES[name] for name in objects}
    for missing in objects:
        with pytest.raises(ConfigError) as caught:
            resume(part.path, **{name: value for name, value in objects.items() if name != missing})
        assert f"objects ({missing} {NAMES[missing]}); pass them: resume(path, {missing}=...)" in str(caught.value)
    part = resume(part.path, **objects)
    assert digest(part.store) == digest(whole.store)
    assert verify(part, classifier=objects.get("classifier")).clean
    assert Experiment.from_yaml(part.path / "experiment.yaml") == part.experiment


def test_what_replaces_an_object_is_a_spec_or_an_equal_object(out: Path, tmp_path: Path) -> None:
    run = evolve(small("pixels"), out=out, classifier=network())
    with pytest.raises(ConfigError, match="other weights"):
        resume(run.path, generations=14, classifier=network(seed=1))
    (tmp_path / "own.py").write_text(
        "import torch\nfrom torch import nn\nfrom evo_fool.classifiers.wrapping import as_classifier\n"
        "def build():\n    torch.manual_seed(0)\n"
        "    return as_classifier(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))\n"
    )
    run = resume(run.path, generations=14, classifier=f"{tmp_path}/own.py:build")
    assert run.generation == 14 and run.objects == {} and run.experiment.classifier.spec.endswith("own.py:build")


def test_an_object_too_many_is_refused(out: Path) -> None:
    path = evolve(small("pixels", generations=2), out=out).path
    for name in ("encoding", "search", "toolbox"):
        with pytest.raises(ConfigError, match=f"started without an object for its {name}; leave {name}= out"):
            resume(path, generations=4, **OBJECTS[name])


def test_a_run_opens_without_its_objects_and_says_what_it_cannot_check(out: Path) -> None:
    objects = OBJECTS["all"]
    with evolve(small("pixels"), out=out, **objects) as run:
        path = run.path
        assert run.render("3", size=40).shape == (1, 40, 40)
    with open_run(path) as run:
        assert run.image("3").shape == (1, 28, 28) and len(run) == 10 and run.summary()["encoding"] == "object"
        with pytest.raises(EvoFoolError, match=r"its encoding was an object of Python \(Flat\); pass it: encoding="):
            run.render("3")
        for given, lacking in (({}, "classifier"), ({"classifier": objects["classifier"]}, "encoding")):
            found = verify(run, **given)
            assert (found.clean, found.cells, found.genomes > 0) == (True, 0, True)
            assert found.unchecked == [
                f"scores: the {lacking} was an object of Python ({NAMES[lacking]}); pass it: {lacking}=..."
            ]
    with open_run(path, encoding=objects["encoding"]) as run:
        found = verify(run, classifier=objects["classifier"])
        assert (found.clean, found.cells, found.unchecked) == (True, 10, [])
        assert "other weights" in verify(run, classifier=network(seed=1)).deviations[0]


def test_a_strategy_is_used_once_and_has_a_cell_for_each_class(out: Path) -> None:
    experiment, encoding = small(generations=2), Flat(size=28, channels=1)
    strategy = Youngest(experiment, encoding, ClassArchive(10))
    evolve(experiment, out=out, encoding=encoding, search=strategy)
    for unfit in (strategy, Youngest(experiment, encoding, ClassArchive(9))):
        with pytest.raises(ConfigError, match=r"begin with an empty ClassArchive\(10\), or pass the class"):
            evolve(experiment, out=out, encoding=encoding, search=unfit)
    with pytest.raises(ConfigError, match="is tuple; make it"):
        evolve(experiment, out=out, search=lambda *parts: parts)
    assert len(list(out.glob("*_small_*"))) == 1


def test_an_encoding_draws_the_channels_of_the_classifier(out: Path) -> None:
    judge = Classifier(
        nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), classes=["a", "b"], size=2, channels=3, name="rgb"
    )
    with pytest.raises(ConfigError, match="the encoding Flat draws 1 channels, rgb takes 3"):
        evolve(small(), out=out, classifier=judge, encoding=Flat(size=28, channels=1))


def test_a_search_by_name(out: Path) -> None:
    run = evolve(small("pixels", generations=2), out=out, search="random")
    assert run.experiment.search.kind == "random" and run.objects == {}
    with pytest.raises(ConfigError, match=r"search\.kind = 'rnadom' is unknown; did you mean 'random'"):
        evolve(small(), out=out, search="rnadom")


def test_an_installed_search_has_settings_of_its_own(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("youngest", f"{__name__}:Youngest", "evo_fool.searches")
    monkeypatch.setattr("evo_fool.plugins.entry_points", lambda **wanted: EntryPoints([point]).select(**wanted))
    experiment = small("pixels", search={"kind": "youngest", "count": 3})
    whole = evolve(experiment, out=out)
    assert whole.store.rows("SELECT evaluations FROM metrics ORDER BY generation")[-1] == (16 + 12 * 3,)
    part = resume(evolve(experiment, out=out, callbacks=[partial(stop_at, 5)]).path)
    assert digest(part.store) == digest(whole.store) and verify(part).clean
    assert digest(evolve(small("pixels"), out=out, search="youngest").store) != digest(whole.store)
    for settings, told in (({"count": 0}, r"search\.count = 0"), ({"cuont": 3}, r"search\.cuont = 3")):
        with pytest.raises(ConfigError, match=told):
            evolve(small("pixels", search={"kind": "youngest", **settings}), out=out)
    monkeypatch.setattr("evo_fool.plugins.entry_points", lambda **wanted: EntryPoints([]))
    with open_run(whole.path) as run, pytest.raises(EvoFoolError, match=r"search\.kind = 'youngest' is unknown"):
        _ = run.experiment


def test_every_callback_is_told_and_the_first_reason_counts(out: Path) -> None:
    told: list[str] = []

    def note(name: str, answer: object, progress: Progress) -> object:
        told.append(name)
        return answer

    run = evolve(small(), out=out, callbacks=[partial(note, *pair) for pair in (("a", 7), ("b", "first"), ("c", "no"))])
    assert told == ["a", "b", "c"] and (run.status, run.generation) == ("stopped", 0)
    assert run.store.progress()[3] == "first"


def metrics_of(run: Run) -> list[list[float]]:
    return [run.metrics[name].tolist() for name in ("min", "q1", "median", "q3", "mean", "max")]


def test_statistics_are_over_the_classes_that_are_evolved(out: Path) -> None:
    """Runs of version 0.1.0 have them over all cells, of which a run for one class fills one."""
    medians: list[float] = []
    experiment = small("pixels", search={"kind": "genetic", "target": 3})
    run = evolve(experiment, out=out, callbacks=[lambda progress: medians.append(progress.row["median"])])
    rows = metrics_of(run)
    assert all(row == medians for row in rows) and medians[-1] == run[3].probability
    assert verify(run).clean
    change(run.path, "UPDATE metrics SET min = 0, q1 = 0, median = 0, q3 = 0, mean = max / 10", reseal=True)
    with open_run(run.path) as old:
        assert metrics_of(old) == rows and verify(old).clean
    change(run.path, "UPDATE metrics SET median = 0.5 WHERE generation = 3", reseal=True)
    with open_run(run.path) as forged:
        assert "generation 3: the recorded median" in verify(forged).damage[0]


def test_random_search_is_a_search_too(out: Path) -> None:
    run = evolve(small("pixels", generations=3), out=out, search=RandomSearch)
    assert run.store.rows("SELECT DISTINCT operator FROM individuals") == [("random",)]
