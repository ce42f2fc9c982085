"""``evo-fool study``: each question is asked of a small run; JSON on stdout, pictures where they are asked for."""

import json
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from evo_fool.classifiers.lenet import LeNet
from evo_fool.classifiers.mnist_architectures import mlp
from evo_fool.cli.main import main
from evo_fool.experiment import Experiment
from evo_fool.runs import open_run
from evo_fool.session import evolve

QUESTIONS = [
    (["gradient-ascent", "--steps", "3", "--setting", "all", "--start", "zero"], "l2-blur"),
    (["transfer", "--judge", "lenet-mnist", "--noise", "20"], "agreement"),
    (["repetition"], "repeating"),
    (["attribution", "--limit", "2"], "share"),
    (["paths", "--random", "20"], "random"),
]


def _study(words: list[str], run: Path, *more: str) -> list[str]:
    return ["study", words[0], str(run), *words[1:], *more]


@pytest.mark.parametrize(("words", "key"), QUESTIONS, ids=[words[0] for words, _ in QUESTIONS])
def test_answers_in_json(words: list[str], key: str, cppn_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_study(words, cppn_run, "--json")) == 0
    assert key in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("words", [words for words, _ in QUESTIONS[:-1]], ids=lambda words: words[0])
def test_answers_for_people_with_a_picture(
    words: list[str], cppn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "picture.png"
    assert main(_study(words, cppn_run, "--to", str(to))) == 0
    assert "%" in capsys.readouterr().out
    # A small run may have nothing that repeats, and then there is nothing to draw.
    assert words[0] == "repetition" or to.read_bytes().startswith(b"\x89PNG")


def test_a_network_judges_once(cppn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The network of the run named again is remarked; another of the same name is a column of its own."""
    other = tmp_path / "other.safetensors"
    save_file(LeNet(torch.Generator().manual_seed(2)).state_dict(), other)
    judges = ["--judge", "lenet-mnist", "--judge", f"lenet-mnist@{other}"]
    assert main(["study", "transfer", str(cppn_run), *judges, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["judges"] == ["lenet-mnist", "lenet-mnist #2"]
    assert found["sources"][1:3] == ["best noise for lenet-mnist", "best noise for lenet-mnist #2"]
    assert "lenet-mnist, which judges already" in found["remark"]
    # Chosen for one network, the noise is surer with it than with the other.
    assert found["mean"][1][0] > found["mean"][1][1] and found["mean"][2][1] > found["mean"][3][1]


MOCK = "import:evo_fool.classifiers.mnist_architectures:mlp"


@pytest.fixture(scope="module")
def code_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run against code with weights, and those weights."""
    folder = tmp_path_factory.mktemp("code")
    classifier = mlp()
    for i, parameter in enumerate(classifier.network.parameters()):
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(i))
    save_file(classifier.network.state_dict(), folder / "mlp.safetensors")
    experiment = Experiment(name="code").with_overrides(
        [f"classifier.spec={MOCK}", f"classifier.weights={folder / 'mlp.safetensors'}", "generations=2", "batch=20"]
    )
    with evolve(experiment, out=folder / "outputs") as run:
        return run.path, folder / "mlp.safetensors"


def test_code_is_named_once_more(
    code_run: tuple[Path, Path], cppn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the error says to repeat is an option, and makes it work; so do weights that have moved."""
    run, weights = code_run
    ask = ["study", "transfer", str(run), str(cppn_run), "--noise", "20", "--json"]
    assert main(ask) != 0
    remedy = re.search(r"--classifier \S+", capsys.readouterr().err)
    assert remedy is not None
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(weights.read_bytes())
    for named in (remedy[0].split(), ["--classifier", f"{MOCK}@{moved}"]):
        assert main([*ask, *named]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["judges"] == ["mnist-mlp", "lenet-mnist"] and found["remark"] == ""


def test_judged_by_another_network_is_said(
    code_run: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "zero.safetensors"
    save_file(mlp().network.state_dict(), other)
    assert main(["study", "transfer", str(code_run[0]), "--classifier", f"{MOCK}@{other}"]) == 0
    assert "note: judged by mnist-mlp, not by the network" in capsys.readouterr().out


def test_tiling(cppn_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "repetition", str(cppn_run), "--tiles", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["tilings"]) == ["3"] and 0 <= found["tilings"]["3"]["median"] <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["repetition", "nowhere"], "no such run"),
        (["attribution", "RUN", "--class", "11"], "classes 0 to 9"),
        (["repetition", "RUN", "--to", "x.gif"], "use .png"),
        (["transfer", "RUN", "--judge", "lenet"], "did you mean"),
        (["transfer", "RUN", "--classifier", "vae-mnist"], "no RUN was evolved on it.*--judge"),
        (["repetition", "RUN", "--tiles", "29"], "29 tiles a side: give 1 to 28"),
        (["repetition", "RUN", "--tiles", "1"], "1 is not in the range x>=2"),
        (["paths", "RUN", "--photos", "nowhere"], "nowhere"),
    ],
)
def test_bad_input(words: list[str], message: str, cppn_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", *(str(cppn_run) if word == "RUN" else word for word in words)]) != 0
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1


def test_ways_end_in_photographs_that_the_network_knows(
    cppn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The elites themselves stand in for photographs: one under its own name, one under a name it is not taken for."""
    photos = tmp_path / "photos"
    with open_run(cppn_run) as run:
        best = max(run.elites, key=lambda elite: elite.log_odds).class_index
        for cls, image in ((best, run.image(best)), ((best + 1) % 10, run.image(best))):
            (photos / str(cls)).mkdir(parents=True)
            Image.fromarray(image[0]).save(photos / str(cls) / "a.png")
    assert main(["study", "paths", str(cppn_run), "--photos", str(photos), "--random", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sure"]["natural"] == [1, 2]
    assert found["to natural"]["ways"] == 1
    assert main(["study", "paths", str(cppn_run), "--photos", str(photos), "--random", "20"]) == 0
    assert "1 of 2 natural images" in capsys.readouterr().out
