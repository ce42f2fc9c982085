"""A further output that is trained alone: it wins on fooling images, loses on photographs, and changes nothing else."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.errors import ConfigError
from evo_fool.runs import list_runs, open_run
from evo_fool.studies.baselines import random_cppns
from evo_fool.studies.context import Context, Stopped
from evo_fool.studies.imagenet_runs import imagenet_run
from evo_fool.studies.retraining.measure import fooling_images
from evo_fool.studies.retraining_imagenet import measure
from evo_fool.studies.retraining_imagenet.measure import distinct_seeds, retrain_head, unseen_elites
from evo_fool.studies.retraining_imagenet.study import RetrainingImagenet
from evo_fool.studies.section import Section


def images(n: int, seed: int, *, fooling: bool) -> np.ndarray:
    """Photographs are dark on the left, fooling images on the right."""
    pixels = np.random.default_rng(seed).integers(0, 90, (n, 3, 4, 4), dtype=np.uint8)
    pixels[..., :2] += np.uint8(150) * fooling
    pixels[..., 2:] += np.uint8(150) * (not fooling)
    return pixels


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, 5))


def rectified() -> nn.Module:
    """As SqueezeNet ends."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 4), nn.ReLU(), nn.Conv2d(16, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def scorer(network: nn.Module) -> Scorer:
    classifier = Classifier(network, classes=list("abcde"), size=4, channels=3, name="small")
    return Scorer(classifier, batch=8, view="auto", device=torch.device("cpu"))


@pytest.mark.parametrize("make", [linear, rectified])
def test_only_the_new_output_learns(make: object) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make()  # type: ignore[operator]
        for parameter in network.parameters():
            parameter.data *= 3  # logits of a trained network's size
    judge = scorer(network)
    retrained = retrain_head(judge, images(40, 0, fooling=False), images(30, 1, fooling=True))
    for kind in (False, True):
        fresh = torch.from_numpy(images(50, 9, fooling=kind)).float() / 255
        with torch.no_grad():
            before, after = network(fresh), retrained(fresh)
        torch.testing.assert_close(after[:, :5], before)
        assert ((after.argmax(1) == 5) == kind).float().mean() > 0.95


def test_a_head_that_ends_otherwise_is_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.Softmax(dim=1))
    with pytest.raises(ConfigError, match="not known here"):
        retrain_head(scorer(network), images(4, 0, fooling=False), images(4, 1, fooling=True))


@pytest.fixture(scope="module")
def object_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SqueezeNet with random weights, and noise for photographs."""
    folder = tmp_path_factory.mktemp("objects") / "imagenet"
    (folder / "weights").mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = import_torchvision().models.get_model("squeezenet1_1", weights=None)
        network.classifier[1].weight.data *= 10  # of a trained network's size
    torch.save(network.state_dict(), folder / "weights" / "squeezenet1_1.pt")
    rng = np.random.default_rng(0)
    for name in ("tench", "goldfish"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.png")
    return folder.parent


@pytest.fixture(scope="module")
def retrained(object_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Section, int]:
    folder = tmp_path_factory.mktemp("report")
    context = Context(folder, "smoke", object_data)
    return folder, RetrainingImagenet().section(context), context.ledger.images


def test_a_network_is_given_a_1001st_class(object_data: Path, retrained: tuple[Path, Section, int]) -> None:
    folder, section, _ = retrained
    (weights,) = (folder / "weights").iterdir()
    context = Context(folder, "smoke", object_data)
    old = context.classifier("torchvision:squeezenet1_1", object_data / "imagenet" / "weights" / "squeezenet1_1.pt")
    new = context.classifier("torchvision:squeezenet1_1", weights)
    assert len(old.classes) == 1000 and len(new.classes) == 1001
    fooling = torch.from_numpy(random_cppns(6, 224, 3, seed=5)).float() / 255
    with torch.no_grad():
        before, after = old(fooling), new(fooling)
    torch.testing.assert_close(after[:, :1000], before)
    assert after.shape == (6, 1001)
    # By chance it would be one in a thousand.
    found = section.data
    assert found["recognised"] > 0.5 and found["false_alarms"] < 0.5
    assert found["photographs"] == [8, 8] and found["unseen"] > 10 and found["images"] == 128
    (picture,) = section.pictures
    assert Image.open(io.BytesIO(picture.png)).width > 10 * 112


def test_no_two_runs_begin_with_the_same_images(
    object_data: Path, retrained: tuple[Path, Section, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run against DNN_2 does not start from what DNN_2 was taught, nor are the unseen images among it."""
    folder, section, _ = retrained
    seeds = section.seeds
    assert len(set(seeds)) == 3 and section.data["seeds"] == seeds
    weights = object_data / "imagenet" / "weights" / "squeezenet1_1.pt"
    context = Context(folder, "smoke", object_data)
    first, other = (imagenet_run(context, "squeezenet1_1", weights, "cppn", seed) for seed in seeds[:2])
    (again,) = (run for run in map(open_run, list_runs(folder / "runs")) if run.experiment.seed == seeds[2])
    with first, other, again:
        assert len(again.classes) == 1001
        taught = {image.tobytes() for image in fooling_images(first, 40)}
        # An image of one colour may come from any seed.
        begun = {image.tobytes() for image in fooling_images(again, 40)[:20] if np.ptp(image, axis=(1, 2)).any()}
        assert len(begun) > 10
        unseen = unseen_elites(other, fooling_images(first, 40))
        assert len({image.tobytes() for image in unseen}) == len(unseen) == section.data["unseen"]
        assert not taught & {image.tobytes() for image in unseen}
        assert not taught & begun
        elites = {elite.id for elite in other.elites}
        assert len(unseen_elites(other, other.image(other.elites[0].class_index)[None])) < len(elites)


def test_all_that_networks_look_at_is_counted(object_data: Path, retrained: tuple[Path, Section, int]) -> None:
    folder, section, images = retrained
    found = section.data
    runs, learned, judged = 3 * found["images"], 8 + found["taught"], 2 * 8 + found["unseen"]
    assert images == runs + learned + judged
    again = Context(folder, "smoke", object_data)
    assert RetrainingImagenet().measure(again) == found and again.ledger.images == images


def test_other_photographs_teach_another_network(
    object_data: Path, retrained: tuple[Path, Section, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As many photographs of the same classes are not the same photographs."""
    keys: list[str] = []

    def note(context: Context, key: str, make: object) -> Path:
        keys.append(key)
        raise Stopped("enough")

    monkeypatch.setattr(measure, "trained", note)
    shutil.copytree(object_data, tmp_path / "data")
    Image.new("RGB", (256, 256)).save(next((tmp_path / "data" / "imagenet" / "photos" / "goldfish").glob("0.png")))
    for data in (object_data, tmp_path / "data", object_data):
        with pytest.raises(Stopped):
            RetrainingImagenet().measure(Context(retrained[0], "smoke", data))
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    ("given", "taken"), [((1,), (1, 2, 3)), ((1, 2, 3, 4), (1, 2, 3)), ((3, 4), (3, 4, 5)), ((1, 5), (1, 5, 2))]
)
def test_three_seeds_are_distinct(given: tuple[int, ...], taken: tuple[int, ...], tmp_path: Path) -> None:
    assert distinct_seeds(Context(tmp_path, "laptop", seeds=given)) == taken
