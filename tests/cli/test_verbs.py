"""The table of verbs: help, version and the shell's completion are answered from it; unknown verbs get a hint."""

import subprocess
import sys
from importlib.metadata import version
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from evo_fool.cli.verbs import VERBS, LazyGroup, application


def test_help_lists_the_verbs_in_the_order_of_the_table() -> None:
    result = CliRunner().invoke(application, ["--help"], terminal_width=300)
    assert result.exit_code == 0
    _, _, listed = result.output.partition("Verbs:\n")
    lines = [line.split(maxsplit=1) for line in listed.splitlines() if line.strip()]
    assert [line[0] for line in lines if line[0] in VERBS] == list(VERBS)


def test_the_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(application, ["--version"])
    assert (result.exit_code, result.output) == (0, f"evo-fool {version('evo-fool')}\n")


def test_the_shell_can_complete_verbs_and_their_options() -> None:
    complete = ShellComplete(application, {}, "evo-fool", "_EVO_FOOL_COMPLETE")
    assert {item.value for item in complete.get_completions([], "ex")} == {"export"}
    assert [item.value for item in complete.get_completions([], "")] == list(VERBS)
    assert {item.value for item in complete.get_completions(["import"], "--gen")} == {"--generation"}


@pytest.mark.parametrize("verb", ["import", "export"])
def test_a_verb_is_a_command_of_its_name(verb: str) -> None:
    command = application.get_command(click.Context(application), verb)
    assert isinstance(command, click.Command) and command.name == verb


def test_what_the_table_does_not_have_is_no_verb() -> None:
    assert isinstance(application, LazyGroup)
    context = click.Context(application)
    assert application.get_command(context, "delete") is None
    assert application.list_commands(context) == list(VERBS)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["expotr"], "unknown verb 'expotr'; did you mean 'export'?; see evo-fool --help"),
        (["zzz"], f"unknown verb 'zzz'; choose one of {', '.join(VERBS)}; see evo-fool --help"),
    ],
)
def test_an_unknown_verb_gets_a_hint(arguments: list[str], line: str, invoke: Any) -> None:
    assert invoke(*arguments) == (2, "", f"evo-fool: error: {line}\n")


def test_an_option_in_the_place_of_a_verb_is_refused(invoke: Any) -> None:
    code, out, err = invoke("--", "--nothing")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--nothing" in err


def test_help_loads_no_module_of_a_verb() -> None:
    code = (
        "import sys; from evo_fool.cli.verbs import VERBS, application; application.make_context('x', ['run']);"
        "print(sorted({module for module, _ in VERBS.values()} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
