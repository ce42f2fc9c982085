"""``evo-fool export``, ``import``, ``sheet`` and ``plot`` as whole commands."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

JUDGE = ("--classifier", "tiny.py:build")


@pytest.fixture
def run(tiny: Path, invoke_json: Any) -> Path:
    """A small finished run."""
    return Path(invoke_json("run", "tiny.yaml")["path"])


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_export_writes_pngs_and_says_how_many(run: Path, invoke: Any) -> None:
    code, out, err = invoke("export", "latest", "--to", "images")
    assert (code, out, err) == (0, "images: 3 files of 3 elites\n", "")
    assert [name[:4] for name in names(Path("images"))] == ["0_0.", "1_0.", "2_0."]
    with Image.open(next(Path("images").iterdir())) as image:
        assert (image.size, image.mode) == ((6, 6), "L")


def test_export_json_lists_the_files(run: Path, invoke_json: Any) -> None:
    done = invoke_json("export", "latest", "--to", "all", "--what", "all", "--size", "60")
    assert sorted(done["files"]) == sorted(f"all/{name}" for name in names(Path("all")))
    assert (done["path"], done["directory"], done["elites"], done["left_out"]) == (str(run), "all", 3, 0)
    assert len(done["files"]) == 3 + 3 + 1 + 3


def test_export_of_several_kinds_and_confident_elites(run: Path, invoke_json: Any, invoke: Any) -> None:
    done = invoke_json("export", "latest", "--to", "some", "--what", "npz", "--what", "layout2015")
    assert len(done["files"]) == 4
    code, out, _ = invoke("export", "latest", "--to", "none", "--min-confidence", "1")
    assert (code, out) == (0, "none: 0 files of 0 elites; 3 below 1 left out\n")
    assert not Path("none").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["latest"], 2, ["--to"]),
        (["latest", "--to", "x", "--what", "gif"], 2, ["gif", "layout2015"]),
        (["latest", "--to", "x", "--size", "0"], 2, ["--size 0"]),
        (["latest", "--to", "x", "--min-confidence", "2"], 2, ["--min-confidence"]),
        (["latest", "--to", "tiny.py"], 2, ["tiny.py is a file"]),
        (["latest", "--to", "full"], 2, ["full already holds", "--force"]),
        (["latest", "--to", "tiny.py/below"], 1, ["tiny.py/below", "--to"]),
        (["nobody", "--to", "x"], 3, ["nobody"]),
        (["latest", "--to", "x", "--what", "site", "--size", "60"], 2, ["--what site", "--size"]),
        (["latest", "--to", "x", "--what", "site", "--what", "png"], 2, ["--what site goes by itself"]),
    ],
)
def test_bad_exports_are_one_line(arguments: list[str], code: int, words: list[str], run: Path, invoke: Any) -> None:
    assert invoke("export", "latest", "--to", "full")[0] == 0
    found, out, err = invoke("export", *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    for word in words:
        assert word in err
    assert not Path("x").exists()


def test_a_site_is_written_and_says_how_large_it_is(run: Path, invoke: Any) -> None:
    code, out, err = invoke("export", "latest", "--to", "site", "--what", "site")
    files = names(Path("site"))
    size = sum(Path("site", name).stat().st_size for name in files)
    assert (code, err) == (0, "")
    assert out == f"site/index.html: 3 classes, {len(files)} files, {size / 1e6:.1f} MB\n"


def test_a_sites_json_names_the_run_and_counts_the_files(run: Path, invoke: Any, invoke_json: Any) -> None:
    done = invoke_json("export", "latest", "--to", "site", "--what", "site")
    assert done["path"] == str(run)
    assert (done["pages"], done["files"]) == (3, len(names(Path("site"))))
    code, out, err = invoke("export", "latest", "--to", "site", "--what", "site")
    assert (code, out, err.count("\n")) == (2, "", 1) and "--force" in err
    assert invoke("export", "latest", "--to", "site", "--what", "site", "--force")[0] == 0


def test_on_a_terminal_a_site_counts_its_classes(
    run: Path, invoke: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    err = invoke("export", "latest", "--to", "site", "--what", "site")[2]
    assert err == "\r1 of 3 classes\r2 of 3 classes\r3 of 3 classes\n"


def test_force_replaces(run: Path, invoke: Any) -> None:
    assert invoke("export", "latest", "--to", "full")[0] == 0
    assert invoke("export", "latest", "--to", "full", "--force")[0] == 0


def test_a_damaged_run_is_exit_5_everywhere(run: Path, invoke: Any) -> None:
    with sqlite3.connect(run / "run.sqlite3") as database:
        database.execute("UPDATE blobs SET image = x'00'")
    database.close()
    for command in (["export", "latest", "--to", "x"], ["sheet", "latest"]):
        code, out, err = invoke(*command)
        assert (code, out, err.count("\n")) == (5, "", 1)


def test_what_is_exported_can_be_imported_verified_and_compared(run: Path, invoke: Any, invoke_json: Any) -> None:
    invoke("export", "latest", "--to", "set", "--what", "layout2015")
    done = invoke_json("import", "set", *JUDGE, "--name", "brought")
    assert (done["images"], done["skipped"], done["source_generation"]) == (3, [], 6)
    assert [each["class_name"] for each in done["classes"]] == ["ant", "bee", "cat"]
    for each in done["classes"]:
        assert each["claimed"] == pytest.approx(each["measured"], abs=1.1e-6)
    assert invoke("verify", "brought", *JUDGE)[0] == 0
    before, after = invoke_json("show", str(run)), invoke_json("show", "brought")
    assert after["median_confidence"] == pytest.approx(before["median_confidence"], abs=1e-6)
    assert (after["search"], after["status"], after["preset"]) == ("imported", "finished", "imported")
    assert invoke("compare", str(run), "brought")[0] == 0
    assert invoke("sheet", "brought")[0] == invoke("plot", "brought")[0] == 0
    code, _, err = invoke("resume", "brought", "--generations", "9", *JUDGE)
    assert (code, err.count("\n")) == (2, 1)


def test_import_tells_people_what_it_did(run: Path, invoke: Any) -> None:
    invoke("export", "latest", "--to", "set", "--what", "all")
    for i in range(7):
        Path("set/map_gen_6", f"note{i}.txt").write_text("")
    code, out, err = invoke("import", "set", *JUDGE)
    assert code == 0
    assert "3 images of generation 6 in 3 classes, 7 files skipped" in out
    assert "claimed" in out
    assert "measured" in out
    assert Path(out.splitlines()[-1]).is_dir()
    assert err.count("\n") == 6
    assert "'note0.txt'" in err
    assert "2 more" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 2, ["nowhere"]),
        (["tiny.py"], 2, ["tiny.py"]),
        (["outputs"], 2, ["no image named"]),
        (["set", "--generation", "5"], 2, ["--generation 5"]),
        (["set", *JUDGE, "--view", "sideways"], 2, ["sideways"]),
        (["set", "--classifier", "tiny.py:nothing"], 2, ["nothing"]),
        (["set", "--classifier", ""], 2, ["classifier.spec"]),
        (["bad", *JUDGE], 2, ["7_0.5.png names class 7", "tiny has classes 0 to 2"]),
        (["set", *JUDGE, "--out", "tiny.py"], 2, ["tiny.py"]),
        (["set", *JUDGE, "--name", ""], 2, ["name"]),
    ],
)
def test_bad_imports_are_one_line(arguments: list[str], code: int, words: list[str], run: Path, invoke: Any) -> None:
    invoke("export", "latest", "--to", "set")
    Path("bad").mkdir()
    Image.new("L", (6, 6)).save("bad/7_0.5.png")
    before = names(Path("outputs"))
    found, out, err = invoke("import", *arguments)
    assert found == code, err
    if code:
        assert (out, err.count("\n")) == ("", 1)
        assert names(Path("outputs")) == before
    for word in words:
        assert word in err


def test_sheet_and_plot_default_into_the_run(run: Path, invoke: Any, invoke_json: Any) -> None:
    for verb, file in (("sheet", "sheet.png"), ("plot", "convergence.png")):
        assert invoke(verb, "latest") == (0, f"{run / file}\n", "")
        assert invoke_json(verb, "latest") == {"path": str(run / file)}
        with Image.open(run / file) as image:
            assert image.format == "PNG"
    assert invoke("verify", "latest", *JUDGE)[0] == 0


def test_pictures_leave_the_digest_alone(run: Path, invoke: Any) -> None:
    before = invoke("digest", "latest")
    invoke("sheet", "latest")
    invoke("plot", "latest")
    assert invoke("digest", "latest") == before


def test_sheet_options(run: Path, invoke: Any) -> None:
    assert invoke("sheet", "latest", "--to", "a.png", "--columns", "1", "--tile", "60")[0] == 0
    assert invoke("sheet", "latest", "--to", "b.png", "--columns", "3", "--tile", "60")[0] == 0
    with Image.open("a.png") as tall, Image.open("b.png") as wide:
        assert tall.width <= wide.width  # a narrow sheet leaves room for its title
        assert tall.height > wide.height


def test_plot_of_several_runs_and_formats(run: Path, invoke: Any) -> None:
    invoke("run", "tiny.yaml", "--seed", "2", "--name", "second")
    for name in ("p.png", "p.svg", "p.pdf"):
        assert invoke("plot", run.name, "second", "--to", name, "--log") == (0, f"{name}\n", "")
        assert Path(name).stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sheet", "nobody"], 3, ["nobody"]),
        (["sheet", "latest", "--to", "x.jpg"], 2, ["x.jpg", ".png"]),
        (["sheet", "latest", "--columns", "0"], 2, ["--columns 0"]),
        (["sheet", "latest", "--tile", "100000"], 2, ["--tile 100000"]),
        (["sheet", "latest", "--to", "tiny.py/x.png"], 1, ["tiny.py/x.png"]),
        (["plot"], 2, ["RUN"]),
        (["plot", "nobody"], 3, ["nobody"]),
        (["plot", "latest", "--to", "x.gif"], 2, ["x.gif", ".svg"]),
        (["plot", *["latest"] * 11], 2, ["at most 10"]),
        (["plot", "latest", "--to", "tiny.py/x.svg"], 1, ["tiny.py/x.svg"]),
    ],
)
def test_bad_pictures_are_one_line(arguments: list[str], code: int, words: list[str], run: Path, invoke: Any) -> None:
    found, out, err = invoke(*arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    for word in words:
        assert word in err
    assert not list(Path().glob("x.*"))


def test_as_processes(run: Path) -> None:
    def evo_fool(*arguments: str) -> str:
        command = [sys.executable, "-m", "evo_fool", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    files = json.loads(evo_fool("export", "latest", "--to", "set", "--json"))["files"]
    assert all(Path(file).is_file() for file in files)
    path = Path(json.loads(evo_fool("import", "set", *JUDGE, "--json"))["path"])
    assert evo_fool("sheet", str(path)) == f"{path / 'sheet.png'}\n"
    assert evo_fool("plot", str(path)) == f"{path / 'convergence.png'}\n"
