"""The training program: where it finds MNIST, that it repeats itself to the byte, and what its weights are worth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from evo_fool.classifiers.lenet import lenet_classifier
from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.weights_io import sha256
from evo_fool.classifiers.zoo import SHIPPED, load_classifier
from evo_fool.errors import ConfigError
from evo_fool.probability import probability
from evo_fool.sections import ClassifierConfig
from evo_fool.training.lenet import Outliers, count_errors, fit, train_lenet

ARCHIVES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture
def small_mnist(tmp_path: Path) -> Path:
    """A folder in torchvision's unpacked layout: 200 + 50 images, each digit a bright bar of its own row."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for half, n in (("train", 200), ("t10k", 50)):
        labels = rng.integers(0, 10, n, dtype=np.uint8)
        images = rng.integers(0, 60, (n, 28, 28), dtype=np.uint8)
        images[np.arange(n), labels * 2 + 4, 4:24] = 255
        header = b"".join(i.to_bytes(4, "big") for i in (2051, n, 28, 28))
        (raw / f"{half}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"".join(i.to_bytes(4, "big") for i in (2049, n))
        (raw / f"{half}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return tmp_path / "data"


@pytest.mark.parametrize("below", ["", "MNIST", "MNIST/raw"])
def test_unpacked_data_is_read_in_place(small_mnist: Path, below: str) -> None:
    before = sorted(small_mnist.rglob("*"))
    train, test = load_mnist(small_mnist / below)
    assert train.images.shape == (200, 28, 28) and train.images.dtype == torch.uint8
    assert test.labels.shape == (50,) and test.labels.dtype == torch.int64
    assert sorted(small_mnist.rglob("*")) == before


def test_unpacked_data_in_a_folder_of_another_name(small_mnist: Path, tmp_path: Path) -> None:
    shutil.move(small_mnist / "MNIST" / "raw", tmp_path / "digits")
    assert len(load_mnist(tmp_path / "digits")[0].labels) == 200


def test_packed_read_only_data_is_left_alone(mnist_dir: Path) -> None:
    before = sorted(mnist_dir.rglob("*"))
    train, test = load_mnist(mnist_dir)
    assert (len(train.labels), len(test.labels)) == (60_000, 10_000)
    assert sorted(mnist_dir.rglob("*")) == before


def test_missing_data_says_how_to_get_it(tmp_path: Path) -> None:
    for data, word in ((None, "no MNIST data"), (tmp_path, "no complete MNIST"), (tmp_path / "none", "no folder")):
        with pytest.raises(ConfigError, match=word) as caught:
            load_mnist(data)
        assert "--download" in str(caught.value) and "\n" not in str(caught.value)


def test_damaged_archives_are_named_and_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*args: object, **kwargs: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr("urllib.request.urlopen", fetch)
    for name in ARCHIVES:
        (tmp_path / f"{name}.gz").write_bytes(b"not an archive")
    with pytest.raises(ConfigError, match=r"idx\d-ubyte\.gz is damaged"):
        load_mnist(tmp_path)


def test_damaged_unpacked_files_are_one_line(small_mnist: Path) -> None:
    path = small_mnist / "MNIST" / "raw" / ARCHIVES[0]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        load_mnist(small_mnist)
    assert "\n" not in str(caught.value)


def test_training_repeats_itself_to_the_byte_and_leaves_no_trace(small_mnist: Path, tmp_path: Path) -> None:
    threads, random = torch.get_num_threads(), torch.random.get_rng_state()
    lines: list[str] = []
    first = train_lenet(small_mnist, out=tmp_path / "a.safetensors", seed=5, epochs=2, report=lines.append)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), random)
    assert not torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(99)
    torch.set_num_threads(max(1, threads - 1))
    try:
        second = train_lenet(small_mnist, out=tmp_path / "b.safetensors", seed=5, epochs=2)
    finally:
        torch.set_num_threads(threads)
    assert first.weights.read_bytes() == second.weights.read_bytes()
    assert train_lenet(small_mnist, out=tmp_path / "c.safetensors", seed=6, epochs=2).sha256 != first.sha256
    assert len(lines) == 3 and "epoch 2/2" in lines[1] and "test error" in lines[2]


def test_training_learns_and_records_what_it_did(small_mnist: Path, tmp_path: Path) -> None:
    result = train_lenet(small_mnist, out=tmp_path / "w.safetensors", epochs=25)
    record = json.loads((tmp_path / "w.json").read_text())
    assert result.test_images == 50 and result.test_error <= 0.1
    assert record["test_error"] == result.test_error
    assert record["sha256"] == result.sha256 == sha256(tmp_path / "w.safetensors")
    assert "--seed 0 --epochs 25" in record["command"]
    config = ClassifierConfig(spec="lenet-mnist", weights=str(tmp_path / "w.safetensors"))
    test = load_mnist(small_mnist)[1]
    scorer = Scorer(load_classifier(config, torch.device("cpu")), batch=64, view="auto", device=torch.device("cpu"))
    wrong = (scorer.score(test.images.unsqueeze(1).numpy()).argmax(1) != test.labels.numpy()).mean()
    assert wrong == result.test_error
    assert sorted(p.name for p in tmp_path.glob("w*")) == ["w.json", "w.safetensors"]


def test_outliers_teach_the_network_to_be_unsure(small_mnist: Path) -> None:
    train, test = load_mnist(small_mnist)
    noise = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    taught, unseen = noise[:200], noise[200:].unsqueeze(1).numpy()

    def confidence_and_errors(outliers: Outliers | None) -> tuple[float, int]:
        network, _ = fit(train, seed=0, epochs=25, report=lambda line: None, outliers=outliers)
        classifier = lenet_classifier(network)
        scorer = Scorer(classifier, batch=64, view="auto", device=torch.device("cpu"))
        return float(probability(scorer.score(unseen)).max(1).mean()), count_errors(network, test)

    sure, _ = confidence_and_errors(None)
    unsure, wrong = confidence_and_errors(Outliers(taught))
    assert unsure < 0.2 < sure and wrong <= 5


def test_acet_is_unsure_of_noise_that_was_made_to_please(small_mnist: Path) -> None:
    train, _ = load_mnist(small_mnist)
    noise = torch.randint(0, 256, (200, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))

    def surest(epsilon: float) -> float:
        """Mean confidence on noise after twenty steps towards it, within 0.3."""
        taught = Outliers(noise, epsilon=epsilon)
        network, _ = fit(train, seed=0, epochs=15, report=lambda line: None, outliers=taught)
        classifier = lenet_classifier(network)
        start = noise[:50].unsqueeze(1) / 255
        moved = start
        for _ in range(20):
            moved = moved.detach().requires_grad_()
            classifier(moved).log_softmax(1).amax(1).sum().backward()
            assert moved.grad is not None
            moved = (moved + 0.05 * moved.grad.sign()).clamp(start - 0.3, start + 0.3).clamp(0, 1)
        return float(classifier(moved.detach()).softmax(1).amax(1).mean())

    assert surest(0.3) < 0.5 < surest(0.0)


def test_a_class_of_fooling_images_is_learned(small_mnist: Path) -> None:
    train, test = load_mnist(small_mnist)
    noise = torch.randint(0, 256, (80, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    more = Digits(torch.cat([train.images, noise[:40]]), torch.cat([train.labels, torch.full((40,), 10)]))
    network, _ = fit(more, seed=0, epochs=25, report=lambda line: None, outputs=11)
    assert count_errors(network, Digits(noise[40:], torch.full((40,), 10))) == 0
    assert count_errors(network, test) <= 5


def test_bad_requests(small_mnist: Path, tmp_path: Path) -> None:
    good = tmp_path / "w.safetensors"
    with pytest.raises(ConfigError, match="must end in"):
        train_lenet(small_mnist, out=tmp_path / "w.pt")
    with pytest.raises(ConfigError, match="does not exist"):
        train_lenet(small_mnist, out=tmp_path / "none" / "w.safetensors")
    with pytest.raises(ConfigError, match="epochs"):
        train_lenet(small_mnist, out=good, epochs=0)
    with pytest.raises(ConfigError, match="seed"):
        train_lenet(small_mnist, out=good, seed=-1)


def test_shipped_weights_have_the_recorded_error(mnist_dir: Path) -> None:
    record = json.loads(SHIPPED.with_suffix(".json").read_text())
    test = load_mnist(mnist_dir)[1]
    classifier = load_classifier(ClassifierConfig(spec="lenet-mnist"), torch.device("cpu"))
    scorer = Scorer(classifier, batch=200, view="auto", device=torch.device("cpu"))
    answers = scorer.score(test.images.unsqueeze(1).numpy()).argmax(1)
    error = float((answers != test.labels.numpy()).mean())
    assert error == record["test_error"] <= 0.01
    assert len(test.labels) == record["test_images"]
