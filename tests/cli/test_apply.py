"""``evo-fool apply``: photographs before and after, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import easy_digits, write_photographs

from evo_fool.probability import probability
from evo_fool.runs import find_run, open_run

SHORT = ("-S", "batch=8", "--generations", "5")
SCENES = {
    "perturbation": ("-S", "scene.kind=perturbation", "-S", "scene.photos=photographs.npz", "-S", "scene.epsilon=90"),
    "patch": ("-S", "scene.kind=patch", "-S", "scene.photos=photographs.npz", "-S", "scene.share=0.5"),
    "program": ("-S", "scene.kind=program", "-S", "scene.inner=12", "-S", "scene.count=10", "-S", "scene.held_out=12"),
}


@pytest.fixture
def others(workplace: Path) -> list[str]:
    """Three photographs as files, not among those of ``photographs.npz``; two have the same name."""
    write_photographs(workplace, 4)
    images, _ = easy_digits(3, 9)
    paths = [Path("other/seven.png"), Path("more/seven.png"), Path("more/nine.png")]
    for path, image in zip(paths, images, strict=True):
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    return list(map(str, paths))


def written(path: str) -> np.ndarray:
    return np.array(Image.open(path))[None]


@pytest.mark.parametrize("kind", ["perturbation", "patch"])
def test_what_is_printed_is_what_the_written_files_score(
    kind: str, others: list[str], invoke: Any, invoke_json: Any
) -> None:
    assert invoke("run", "mnist-pixels", *SCENES[kind], *SHORT)[0] == 0
    Path("photographs.npz").unlink()  # the run's own photographs are not needed
    done = invoke_json("apply", "latest", *others, "--to", "out", "--cell", "3")
    assert (done["cell"], done["own"], len(done["pairs"])) == ("3", True, 3)
    assert {path.name for path in Path("out").iterdir()} == {
        f"{stem}-{when}.png" for stem in ("seven", "seven-2", "nine") for when in ("before", "after")
    }
    with open_run(find_run("latest", Path("outputs"))) as run:
        picture = run.image("3")
        write_photographs(Path(), 4)
        scorer = run.scene.scorer
    for path, pair in zip(others, done["pairs"], strict=True):
        before, after = written(pair["before"]), written(pair["after"])
        assert (before == written(path)).all() and (after != before).any()
        if kind == "perturbation":
            added = np.float32(90) * (picture.astype(np.float32) / 127.5 - 1)
            assert np.abs(after - np.clip(before + added, 0, 255).round()).max() <= 1
        for image, top in ((before, pair["top5_before"]), (after, pair["top5_after"])):
            chances = probability(scorer.score(image[None])[0])
            assert [guess["name"] for guess in top] == [str(i) for i in np.argsort(-chances)[:5]]
            assert [guess["p"] for guess in top] == pytest.approx(np.sort(chances)[::-1][:5], abs=1e-6)
        assert pair["fooled"] == (pair["top5_before"][0]["name"] != pair["top5_after"][0]["name"])


def test_a_program_frames_a_held_out_image_of_each_label(others: list[str], invoke: Any, invoke_json: Any) -> None:
    assert invoke("run", "mnist-pixels", *SCENES["program"], *SHORT)[0] == 0
    done = invoke_json("apply", "latest", "--to", "out")
    assert [pair["label"] for pair in done["pairs"]] == [str(n) for n in range(1, 11)]
    with open_run(find_run("latest", Path("outputs"))) as run:
        picture = run.image(0)
    for pair in done["pairs"]:
        before, after = written(pair["before"]), written(pair["after"])
        assert (before[:, 8:20, 8:20] == after[:, 8:20, 8:20]).all()
        after[:, 8:20, 8:20] = picture[:, 8:20, 8:20]
        assert (after == picture).all() and (before[:, :8] == 128).all()
    code, _, err = invoke("apply", "latest", others[0], "--to", "out")
    assert (code, "leave PHOTO out" in err) == (2, True)


def test_the_default_is_the_untargeted_picture(others: list[str], invoke: Any) -> None:
    assert invoke("run", "mnist-pixels", *SCENES["perturbation"], *SHORT)[0] == 0
    code, out, err = invoke("apply", "latest", others[0])
    assert (code, err) == (0, "")
    assert "changed by the picture of anything else" in out and "seven-after.png" in out
    assert sorted(path.name for path in Path("applied").iterdir()) == ["seven-after.png", "seven-before.png"]
    code, _, err = invoke("apply", "latest", others[0])
    assert (code, "already holds seven-before.png" in err) == (2, True)
    assert invoke("apply", "latest", others[0], "--force")[0] == 0


def test_another_network_may_answer_and_is_named(others: list[str], invoke: Any, invoke_json: Any) -> None:
    Path("net.py").write_text(
        "import torch\nfrom evo_fool.classifiers.base import Classifier\ndef build():\n"
        "    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3))\n"
        "    return Classifier(net, classes=['ant', 'bee', 'cat'], size=28, channels=1, name='insects')\n"
    )
    assert invoke("run", "mnist-pixels", *SCENES["perturbation"], *SHORT)[0] == 0
    done = invoke_json("apply", "latest", others[0], "--to", "out", "--classifier", "net.py:build")
    assert (done["classifier"], done["own"]) == ("insects", False)
    assert {guess["name"] for guess in done["pairs"][0]["top5_after"]} == {"ant", "bee", "cat"}


def test_every_photograph_that_cannot_be_used_has_its_line_and_nothing_is_written(
    others: list[str], invoke: Any
) -> None:
    assert invoke("run", "mnist-pixels", *SCENES["perturbation"], *SHORT)[0] == 0
    Path("broken.png").write_bytes(b"\x89PNG rubbish")
    Image.new("L", (20, 20)).save("small.png")
    Path("empty").mkdir()
    code, out, err = invoke("apply", "latest", "broken.png", others[0], "small.png", "empty", "gone.png", "--to", "out")
    assert (code, out) == (2, "")
    lines = err.strip().splitlines()
    assert len(lines) == 4 and not Path("out").exists()
    for line, said in zip(lines, ("not readable", "too few", "no photograph in it", "No such file"), strict=True):
        assert line.startswith("evo-fool: error: ") and said in line


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "no photograph to apply the picture to"),
        (["other/seven.png", "--cell", "dog"], 2, "there is no such class"),
        (["other/seven.png", "--to", "photographs.npz"], 2, "is a file; give a folder"),
    ],
)
def test_what_is_refused(arguments: list[str], code: int, said: str, others: list[str], invoke: Any) -> None:
    assert invoke("run", "mnist-pixels", *SCENES["perturbation"], *SHORT)[0] == 0
    found, out, err = invoke("apply", "latest", *arguments)
    assert (found, out, len(err.splitlines())) == (code, "", 1) and said in err
    assert invoke("run", "mnist-pixels", *SHORT)[0] == 0
    found, out, err = invoke("apply", "latest", "other/seven.png", "--json")
    assert (found, out, len(err.splitlines())) == (2, "", 1) and "nothing to apply" in err


def test_several_targeted_pictures_need_a_choice(others: list[str], invoke: Any) -> None:
    assert invoke("run", "mnist-pixels", *SCENES["perturbation"], "-S", "scene.cells=classes", *SHORT)[0] == 0
    code, _, err = invoke("apply", "latest", others[0])
    assert (code, "choose one, as in --cell '0'" in err) == (2, True)


def test_a_run_by_gradient(others: list[str], invoke: Any, invoke_json: Any) -> None:
    judge = ("--classifier", "lenet-mnist")
    made = invoke_json(
        "gradient", "universal", "--photos", "photographs.npz", "--epsilon", "90", "--passes", "3", *judge
    )
    assert made["status"] == "finished"
    done = invoke_json("apply", "latest", *others, "--to", "out")
    assert (done["cell"], done["own"], len(done["pairs"])) == ("anything else", True, 3)


def test_code_that_a_record_names_is_not_loaded(tiny: Path, invoke: Any, invoke_json: Any) -> None:
    images = np.random.default_rng(0).integers(80, 170, (3, 1, 6, 6), dtype=np.uint8)
    np.savez("photos.npz", images=images)
    scene = ("-S", "scene.kind=perturbation", "-S", "scene.photos=photos.npz")
    assert invoke("run", "tiny.yaml", *scene)[0] == 0
    code, _, err = invoke("apply", "latest", "photos.npz", "--to", "out")
    assert (code, "if you trust it, repeat it" in err, Path("out").exists()) == (2, True, False)
    done = invoke_json("apply", "latest", "photos.npz", "--to", "out", "--classifier", "tiny.py:build")
    assert done["own"] and [pair["name"] for pair in done["pairs"]] == ["image 0", "image 1", "image 2"]
