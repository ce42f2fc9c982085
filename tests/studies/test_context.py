"""The context: runs are found by what they ask, interrupted ones go on, sub-results are kept, data may be missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small

from evo_fool.errors import ConfigError
from evo_fool.experiment import Experiment
from evo_fool.runs import list_runs, open_run
from evo_fool.runs.experiment_diff import configuration_digest
from evo_fool.session import evolve
from evo_fool.studies.context import Context, Stopped


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "report", "smoke")


def test_a_finished_run_is_found_by_what_it_asks_not_by_its_name(context: Context) -> None:
    with context.run(small(name="one")) as first:
        path = first.path
    with context.run(small(name="two", preset="other", device="cpu")) as second:
        assert second.path == path
    with context.run(small(seed=2)) as third:
        assert third.path != path


def test_the_ledger_counts_a_run_once(context: Context) -> None:
    for _ in range(2):
        context.run(small()).close()
        context.cache("x", lambda: {})
    assert context.ledger.images == 13 * 16
    seconds = context.ledger.seconds
    context.run(small(seed=2)).close()
    assert context.ledger.images == 2 * 13 * 16
    assert context.ledger.seconds > seconds > 0


def test_runs_of_other_folders_are_taken_but_not_touched(tmp_path: Path) -> None:
    elsewhere = tmp_path / "outputs"
    with evolve(small(), out=elsewhere) as run:
        path = run.path
    with evolve(small(seed=2), out=elsewhere, callbacks=[lambda progress: "ctrl-c"]):
        pass
    context = Context(tmp_path / "report", "smoke", runs=[elsewhere])
    with context.run(small()) as found:
        assert found.path == path
    with context.run(small(seed=2)) as made:
        assert made.path.parent == tmp_path / "report" / "runs"


def test_a_stopped_run_is_resumed(tmp_path: Path) -> None:
    asked = iter(["", "", "", "ctrl-c", "ctrl-c"])
    stopping = Context(tmp_path, "smoke", stop=lambda: next(asked))
    with pytest.raises(Stopped, match="ctrl-c"):
        stopping.run(small())
    (path,) = list_runs(tmp_path / "runs")
    with open_run(path) as half:
        assert 0 <= half.generation < 12
    with Context(tmp_path, "smoke").run(small()) as run:
        assert run.path == path
        assert run.status == "finished"


def test_a_damaged_run_is_left_aside(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "runs" / "20260101T000000Z_small_abcdef").mkdir(parents=True)
    (tmp_path / "runs" / "20260101T000000Z_small_abcdef" / "run.sqlite3").write_bytes(b"no database")
    with Context(tmp_path, "smoke", say=said.append).run(small()) as run:
        assert run.status == "finished"
    assert said[0].startswith("left aside: ")


def test_the_digest_sees_what_decides_a_run_and_nothing_else() -> None:
    base = Experiment()
    same = base.with_overrides(["name=x", "scoring.precision=float32", "retention.keep=all", "initial=200"])

    def digest(experiment: Experiment, fingerprint: str = "f") -> str:
        return configuration_digest(experiment, fingerprint, size=28, channels=1)

    assert digest(base) == digest(same)
    assert digest(base) != digest(base, "g")
    for change in (
        "seed=2",
        "generations=3",
        "batch=7",
        "encoding.eta=3",
        "search.parents=elites",
        "scoring.view=centre",
    ):
        assert digest(base) != digest(base.with_overrides([change])), change


def test_on_mnist_the_papers_search_by_cppns_is_ours(context: Context) -> None:
    digests = {
        configuration_digest(context.experiment(name), "f", size=28, channels=1)
        for name in ("mnist-cppn", "paper/mnist-cppn")
    }
    assert len(digests) == 1


def test_a_sub_result_is_made_once(context: Context) -> None:
    made = []

    def make() -> dict[str, object]:
        made.append(1)
        return {"values": (1, float("nan"))}

    assert context.cache("a/b", make) == context.cache("a/b", make) == {"values": [1, None]}
    assert len(made) == 1
    context.cache("a-b", make)
    assert len(made) == 2


def test_a_torn_sub_result_is_made_again(context: Context) -> None:
    context.cache("x", lambda: {"v": 1})
    (file,) = (context.folder / "cache").rglob("*.json")
    file.write_text(file.read_text()[:-5])
    assert context.cache("x", lambda: {"v": 2}) == {"v": 2}


def test_a_changed_preset_says_what_was_changed(context: Context) -> None:
    assert context.experiment("mnist-cppn", {"seed": 3, "generations": 5}).preset == "mnist-cppn"
    assert context.experiment("mnist-cppn", {"batch": 5}).preset == "mnist-cppn, batch changed"


def test_missing_data_is_none(context: Context, tmp_path: Path) -> None:
    assert context.data.mnist() is None
    assert context.data.imagenet_networks() == {}
    assert context.data.photographs() is None
    with pytest.raises(ConfigError, match=r"--data .*no such folder"):
        Context(tmp_path, data=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"--budget huge: choose one of smoke, laptop, paper"):
        Context(tmp_path, "huge")  # type: ignore[arg-type]


def test_data_is_found_by_its_layout(data_folder: Path, tmp_path: Path) -> None:
    context = Context(tmp_path, "smoke", data_folder)
    assert {"squeezenet1_0", "squeezenet1_1", "mobilenet_v2"} <= set(context.data.imagenet_networks())
    mnist = context.data.mnist()
    assert mnist is not None
    assert len(mnist.train.labels) == 60_000


def test_what_is_scored_is_counted_once_and_again_when_it_is_read_from_the_cache(tmp_path: Path) -> None:
    def work(context: Context) -> int:
        scorer = context.scorer(context.classifier())
        images = np.zeros((7, 1, 28, 28), np.uint8)

        def make() -> dict[str, Any]:
            context.count(5)
            return {"logit": scorer.score(images)[0, 0]}

        context.cache("seven", make)
        context.cache("seven", make)
        return context.ledger.images

    assert work(Context(tmp_path, "smoke")) == 12
    assert work(Context(tmp_path, "smoke")) == 12
