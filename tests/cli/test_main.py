"""The frame of the command line: help without heavy imports, one line an error, the right exit code."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evo_fool import errors
from evo_fool.cli import verbs
from evo_fool.cli.main import guarded, main

HEAVY = ("torch", "torchvision", "numba", "pydantic", "matplotlib", "neat", "deap", "rich", "numpy", "yaml")


def command(*arguments: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "evo_fool", *arguments], capture_output=True, text=True, **kwargs)  # type: ignore[call-overload, no-any-return]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)


def test_help_lists_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from evo_fool.cli.main import main; code = main(['--help']);"
        f"print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules))); sys.exit(code)"
    )
    result = python(code)
    assert result.returncode == 0
    assert result.stdout.rstrip().endswith("heavy: []")
    for verb in verbs.VERBS:
        assert f"\n  {verb} " in result.stdout


@pytest.mark.alone
def test_help_answers_quickly() -> None:
    def once() -> float:
        start = time.perf_counter()
        command("--help", check=True)
        return time.perf_counter() - start

    assert statistics.median(once() for _ in range(5)) < 0.3


@pytest.mark.parametrize("verb", list(verbs.VERBS))
def test_every_verb_has_help_and_a_matching_summary(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: evo-fool {verb}")


def test_console_script_and_module_are_the_same_command() -> None:
    script = Path(sys.executable).with_name("evo-fool")
    if not script.exists():
        pytest.skip("evo-fool is not installed beside this Python")
    result = subprocess.run([script, "--version"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, command("--version").stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["confg"], ["'confg'", "did you mean 'config'", "evo-fool --help"]),
        (["--nonsense"], ["--nonsense"]),
        (["config", "show"], ["EXPERIMENT", "evo-fool config show --help"]),
        (["config", "show", "mnist-cpnp"], ["mnist-cpnp", "did you mean 'mnist-cppn'"]),
        (["config", "show", "experiments"], ["experiments"]),
        (["config", "show", "mnist-cppn", "-S", "bacth=3"], ["'bacth'", "did you mean 'batch'"]),
        (["config", "show", "mnist-cppn", "-S", "batch"], ["key=value"]),
        (["bench", "loop", "--seconds", "soon"], ["'soon'", "10m"]),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("evo-fool: error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def raising(error: BaseException) -> Callable[[], int]:
    def action() -> int:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.EvoFoolError("no"), 1, "error: no"),
        (errors.ConfigError("two\nlines"), 2, "error: two lines"),
        (errors.RunNotFoundError("gone"), 3, "error: gone"),
        (errors.RunLockedError("held"), 4, "error: held"),
        (errors.CorruptRunError("bad"), 5, "error: bad"),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "error: /x/y: Permission denied"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device"),
        (OSError(30, "Read-only file system", "/z"), 1, "error: /z: Read-only file system"),
        (SystemExit(0), 1, "error: unexpected SystemExit: 0 (EVO_FOOL_DEBUG=1 shows where)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exceptions_become_one_line_and_an_exit_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == code
    assert capsys.readouterr().err == f"evo-fool: {line}\n"


def test_a_bug_is_one_line_too_and_a_traceback_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guarded(raising(RuntimeError("odd"))) == 1
    assert capsys.readouterr().err == "evo-fool: error: unexpected RuntimeError: odd (EVO_FOOL_DEBUG=1 shows where)\n"
    monkeypatch.setenv("EVO_FOOL_DEBUG", "1")
    assert guarded(raising(RuntimeError("odd"))) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


INTERRUPTED_IMPORT = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from evo_fool.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("module", ["click", "evo_fool.cli.verbs", "evo_fool.cli.config", "pydantic", "yaml"])
def test_ctrl_c_while_starting_is_one_line_and_exit_130(module: str) -> None:
    result = python(INTERRUPTED_IMPORT, module, "config", "show", "mnist-cppn")
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "evo-fool: interrupted\n")


def test_a_reader_that_leaves_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "evo_fool", "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_behind_stdout_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "evo_fool", "config", "schema"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (result.returncode, result.stderr) == (1, "evo-fool: error: No space left on device\n")


def test_closed_streams_do_not_matter() -> None:
    result = subprocess.run(["sh", "-c", f"'{sys.executable}' -m evo_fool config validate nothing >&- 2>&-"])
    assert result.returncode == 2


def test_no_handler_outlives_the_command() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    main(["config", "validate", "mnist-cppn"])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert os.environ.get("EVO_FOOL_DEBUG") is None
