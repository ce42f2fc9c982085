"""The report: every figure of a section is in it, nothing is markup that should be text, and it survives a stop."""

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from evo_fool.errors import ConfigError
from evo_fool.paper import reproduce as module
from evo_fool.paper.pages import html, markdown
from evo_fool.paper.report import Report
from evo_fool.paper.reproduce import reproduce
from evo_fool.studies.context import Context, Stopped
from evo_fool.studies.section import Picture, Row, Section


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


SECTION = Section(
    key="one",
    title="A <study>",
    figures="Figure 4",
    verdict="partly",
    why="It held | mostly.",
    rows=(Row("median", 0.5, "99.9 %", "12 %", "a|b"), Row("other", None)),
    pictures=(Picture("a b", _png(), "What is seen"),),
    settings={"steps": 5},
    seeds=(1, 2),
    commands=("evo-fool run mnist-cppn --seed 1",),
    images=40200,
    seconds=75.0,
    data={"values": [1, float("nan")]},
)


def _report(*sections: Section) -> Report:
    return Report(sections, "laptop", "evo-fool reproduce all", {"python": "3"}, "2026-01-01T00:00:00+00:00", True)


def test_the_html_holds_every_figure_and_escapes() -> None:
    text = html(
        _report(SECTION, Section(key="two", title="Two", figures="Figure 6", verdict="skipped", why="no weights"))
    )
    for part in (
        "A &lt;study&gt;",
        "99.9\u00a0%",
        "12\u00a0%",
        "40,200",
        "1 min 15 s",
        "images/one-a-b.png",
        "no weights",
        "1, 2",
    ):
        assert part in text, part
    assert "<study>" not in text
    assert 'class="verdict partly"' in text


def test_the_markdown_table_is_not_broken_by_what_is_in_it() -> None:
    text = markdown(_report(SECTION))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {6, 7}
    assert "[A &lt;study>](#a-study)" in text
    assert "steps: 5" in text


@pytest.fixture
def studies(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Three studies of no cost; the test says what they do."""
    pages: dict[str, object] = {"one": lambda context: SECTION}
    monkeypatch.setattr("evo_fool.studies.STUDIES", {name: f"nowhere:{name}" for name in ("one", "two", "three")})
    monkeypatch.setattr("evo_fool.studies.FIGURES", {"4": ("one",)})
    monkeypatch.setattr(module, "study_of", lambda name: SimpleNamespace(title=name, figures="", section=pages[name]))
    return pages


def test_a_study_that_cannot_be_made_fails_with_its_reason_and_costs_no_other_its_page(
    studies: dict[str, object], tmp_path: Path
) -> None:
    def broken(context: Context) -> Section:
        raise ConfigError("weights x.pt: does not exist")

    studies["two"] = broken
    studies["three"] = lambda context: SECTION
    report = reproduce(["all"], Context(tmp_path, "laptop"), "evo-fool reproduce all")
    assert [section.verdict for section in report.sections] == ["partly", "failed", "partly"]
    record = json.loads((tmp_path / "report.json").read_text())
    assert record["complete"] is False
    assert "two failed" in (tmp_path / "report.md").read_text()
    assert record["sections"][1]["why"] == "weights x.pt: does not exist"
    assert record["sections"][0]["data"] == {"values": [1, None]}
    assert record["sections"][0]["rows"][0] == {
        "what": "median", "ours": 0.5, "paper": "99.9 %", "control": "12 %", "note": "a|b"
    }  # fmt: skip
    assert (tmp_path / record["sections"][0]["pictures"][0]["file"]).read_bytes() == _png()


def test_a_stop_leaves_a_report_of_what_is_done(studies: dict[str, object], tmp_path: Path) -> None:
    def stopped(context: Context) -> Section:
        raise Stopped("ctrl-c")

    studies["two"] = stopped
    with pytest.raises(Stopped):
        reproduce(["all"], Context(tmp_path, "laptop"), "evo-fool reproduce all")
    record = json.loads((tmp_path / "report.json").read_text())
    assert record["complete"] is False
    assert [section["key"] for section in record["sections"]] == ["one"]
    assert "Incomplete" in (tmp_path / "report.html").read_text()


def test_a_smoke_report_says_that_it_is_none(studies: dict[str, object], tmp_path: Path) -> None:
    report = reproduce(["4"], Context(tmp_path, "smoke"), "")
    assert report.sections[0].why.startswith("(Smoke budget: too small to judge by.)")


def test_images_and_seconds_are_those_of_the_runs(studies: dict[str, object], tmp_path: Path) -> None:
    from support import small

    def counting(context: Context) -> Section:
        context.run(small()).close()
        context.cache("x", lambda: {})
        return Section(key="two", title="", figures="", verdict="new", why="")

    studies["two"] = counting
    (first,) = reproduce(["two"], Context(tmp_path, "laptop"), "").sections
    (again,) = reproduce(["two"], Context(tmp_path, "laptop"), "").sections
    assert first.images == again.images == 13 * 16
    assert first.seconds == pytest.approx(again.seconds)
    assert first.seconds > 0


def test_unknown_figures_are_named(studies: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'99': no such study or figure; choose all, one, two, three, or figure 4"):
        reproduce(["99"], Context(tmp_path, "laptop"), "")
    assert len(reproduce(["Figure 4"], Context(tmp_path, "laptop"), "").sections) == 1


def test_pages_of_an_earlier_call_stay_in_the_report(studies: dict[str, object], tmp_path: Path) -> None:
    picture = Picture("any-picture", _png(), "What is seen.")
    second = Section(key="two", title="B", figures="", verdict="new", why="w", seeds=(3,), pictures=(picture,))
    studies["two"] = lambda context: second
    reproduce(["one", "two"], Context(tmp_path, "laptop"), "")
    before = json.loads((tmp_path / "report.json").read_text())["sections"]
    report = reproduce(["one"], Context(tmp_path, "laptop"), "")
    assert [section.key for section in report.sections] == ["one", "two"]
    assert report.sections[1].pictures == (picture,)
    assert json.loads((tmp_path / "report.json").read_text())["sections"] == before
    assert [section.key for section in reproduce(["one"], Context(tmp_path, "smoke"), "").sections] == ["one"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 1, "budget": "laptop", "sections": [{"key": "../x", "verdict": "new"}]}', "[" * 9999]
)
def test_a_strange_report_is_not_kept(studies: dict[str, object], tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    assert [section.key for section in reproduce(["one"], Context(tmp_path, "laptop"), "").sections] == ["one"]


def test_every_page_says_what_makes_it_again(studies: dict[str, object], tmp_path: Path) -> None:
    (section,) = reproduce(["one"], Context(tmp_path, "laptop", tmp_path, seeds=[4, 5]), "").sections
    assert section.commands[0] == f"evo-fool reproduce one --budget laptop --seeds 4,5 --data {tmp_path}"


def test_pictures_of_other_peoples_images_can_be_left_out(studies: dict[str, object], tmp_path: Path) -> None:
    pictures = [Picture("ours", _png(), ""), Picture("theirs", _png(), "", borrowed=True)]
    studies["one"] = lambda context: replace(SECTION, pictures=pictures)
    for own, names in ((True, ["ours"]), (False, ["ours", "theirs"])):
        report = reproduce(["one"], Context(tmp_path / str(own), "laptop"), "", own_pictures=own)
        assert [picture.name for picture in report.sections[0].pictures] == names
        assert len(list((tmp_path / str(own) / "images").iterdir())) == len(names)
    studies["two"] = lambda context: Section(key="two", title="B", figures="", verdict="new", why="w")
    report = reproduce(["two"], Context(tmp_path / "False", "laptop"), "", own_pictures=True)
    assert [picture.name for picture in report.sections[0].pictures] == ["ours"]  # those of an earlier call too
