"""What the pages show exists: links lead somewhere, and commands are ones that evo-fool has."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest

from evo_fool.cli.verbs import application
from evo_fool.presets import find_experiment

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "experiments").glob("*.md")])
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^\s*(?:\$ )?(evo-fool .*)$", flags=re.MULTILINE)
MENTIONED = re.compile(r"`(evo-fool [^`]+)`|^ {4}(evo-fool .*)$", flags=re.MULTILINE)
FILE = re.compile(r"`((?:evo_fool|tests|docs|experiments|benchmarks)/[\w./-]+\.(?:py|md|yaml|json))`")
SHIPPED = ("mnist-", "imagenet-", "paper/", "released-code/")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(linked), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "add-an-encoding.md"], ids=_name)
def test_files_named_exist(page: Path) -> None:
    for name in FILE.findall(page.read_text(encoding="utf-8")):  # the page left out names files that its reader makes
        assert (ROOT / name).is_file(), f"{page.name} names {name}"


def test_files_are_found_in_the_pages() -> None:
    assert sum(len(FILE.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_are_commands(page: Path) -> None:
    for line in _commands(page):
        _check_command(line)


def test_commands_are_found_in_the_tutorial() -> None:
    assert len(_commands(ROOT / "docs" / "tutorial.md")) > 20


def _commands(page: Path) -> list[str]:
    """What a page says to type: in its blocks, and between backquotes in its text."""
    text = page.read_text(encoding="utf-8")
    typed = [line for _, block in FENCE.findall(text) for line in TYPED.findall(block)]
    return typed + [span or line for span, line in MENTIONED.findall(FENCE.sub("", text))]


def _check_command(line: str) -> None:
    """Parse a command line as click does, without running it; the shipped experiments that it names must be there."""
    line = re.sub(r"\$\w+", "1", line.replace("…", ""))  # a variable of a loop
    words = shlex.split(re.split(r"\s#|\s>|[;&|]", line)[0])[1:]
    command: click.Command = application
    context = click.Context(application, info_name="evo-fool")
    while isinstance(command, click.Group):
        if not words or words[0].startswith("[") or words[0].isupper():
            return  # a group named by itself, or its usage
        found = command.get_command(context, words[0])
        assert found is not None, f"{line}: there is no verb {words[0]}"
        command, words = found, words[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    if not words or "[OPTIONS]" in words:
        return  # a verb named by itself, or its usage
    with context, contextlib.suppress(click.MissingParameter):  # `evo-fool export --size 512` speaks of the option
        command.parse_args(context, words)
    experiment = context.params.get("experiment") or ""
    if experiment.startswith(SHIPPED):
        find_experiment(experiment)


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
