"""The verbs that make pictures: what they write, what they print, and one line for what is wrong."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Invoke = Callable[..., tuple[int, str, str]]


def test_a_sheet_of_some_classes(
    invoke: Invoke, invoke_json: Callable[..., Any], cppn_run: Path, tmp_path: Path
) -> None:
    to = tmp_path / "x.png"
    arguments = ["--class", "7", "--class", "2", "--captions", "none", "--no-title", "--tile", "56", "--dpi", "300"]
    code, out, _ = invoke("sheet", str(cppn_run), "--to", str(to), *arguments)
    assert (code, out.strip()) == (0, str(to))
    with Image.open(to) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert image.height < 80
    options = ["--generation", "2", "--columns", "10", "--rerender"]
    assert invoke_json("sheet", str(cppn_run), "--to", str(to), *options) == {"path": str(to)}


def test_a_timelapse(invoke: Invoke, invoke_json: Callable[..., Any], cppn_run: Path, tmp_path: Path) -> None:
    to = tmp_path / "x.gif"
    code, out, _ = invoke("timelapse", str(cppn_run), "--to", str(to), "--frames", "3", "--fps", "5")
    assert code == 0
    assert out.startswith(f"{to}: 3 frames of 656x443 pixels\n")
    with Image.open(to) as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
    told = invoke_json("timelapse", str(cppn_run), "3", "--to", str(to), "--frames", "2", "--tile", "56")
    assert told.keys() == {"path", "frames", "width", "height", "shown", "forgotten"}
    assert told["frames"] == 2
    code, out, _ = invoke("timelapse", str(cppn_run), "3", "--to", str(to))
    assert ("not kept any more: left out" in out) == (told["forgotten"] > 0)


def test_a_poster(invoke: Invoke, invoke_json: Callable[..., Any], cppn_run: Path, tmp_path: Path) -> None:
    to = tmp_path / "x.tiff"
    code, out, _ = invoke(
        "poster", str(cppn_run), "3", "--to", str(to), "--size", "1in", "--dpi", "200", "--no-caption"
    )
    assert (code, out.strip()) == (0, f"{to}: 200x200 pixels at 200 dpi")
    told = invoke_json("poster", str(cppn_run), "3", "--to", str(to), "--size", "1in", "--dpi", "200", "--as-scored")
    assert (told["side"], told["dpi"]) == (224, 224)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sheet", "--class", "dog"], 2, "class 'dog': there is no such class"),
        (["sheet", "--generation", "99"], 2, "--generation 99: there are generations 0 to 12"),
        (["sheet", "--to", "x.jpg"], 2, "x.jpg: .jpg is no format of contact sheets; use .png, .pdf, .tif, .tiff"),
        (["timelapse", "dog", "--to", "x.gif"], 2, "class 'dog'"),
        (["timelapse", "--to", "x.avi"], 2, ".avi is no format of films; use .gif, .mp4, .webp"),
        (["timelapse"], 2, "--to"),
        (["poster"], 2, "CLASS"),
        (["poster", "3", "--size", "big"], 2, "--size 'big' is no length; write 30cm, 297mm, 12in or 4096px"),
    ],
)
def test_errors_are_one_line(
    invoke: Invoke, cppn_run: Path, workplace: Path, arguments: list[str], code: int, words: str
) -> None:
    verb, *rest = arguments
    got, out, err = invoke(verb, str(cppn_run), *rest)
    assert (got, out) == (code, "")
    assert words in err and err.count("\n") == 1
    assert not list(workplace.iterdir())


def test_an_mp4_without_pyav_is_one_line(
    invoke: Invoke, cppn_run: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, err = invoke("timelapse", str(cppn_run), "--to", "x.mp4")
    assert code == 1
    assert "x.mp4: mp4 needs PyAV, which is not installed; run: pip install 'evo-fool[video]'" in err
    assert err.count("\n") == 1


def test_pictures_need_neither_torch_nor_numba_unless_they_render(cppn_run: Path, tmp_path: Path) -> None:
    import subprocess

    script = (
        "import sys, json\nfrom evo_fool.cli.main import main\n"
        f"codes = [main(['timelapse', {str(cppn_run)!r}, '--to', {str(tmp_path / 'x.gif')!r}, '--frames', '2']),"
        f" main(['sheet', {str(cppn_run)!r}, '--to', {str(tmp_path / 'x.png')!r}])]\n"
        "print(json.dumps([codes, sorted({'torch', 'numba'} & set(sys.modules))]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == [[0, 0], []]
