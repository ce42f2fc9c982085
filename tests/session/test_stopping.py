"""Which signals stop a run, and that none of them changes the exit code once it has stopped."""

import signal
import subprocess
import sys

import pytest

from evo_fool.session.stopping import EXIT_CODES, StopFlag


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "ctrl-c"), (signal.SIGTERM, "sigterm"), (signal.SIGHUP, "sighup")]
)
def test_a_signal_is_a_reason(number: int, reason: str) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with StopFlag() as stop:
            assert stop() == ""
            signal.raise_signal(number)
            assert stop() == reason
        assert stop() in EXIT_CODES
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_without_a_stop_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with StopFlag():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_nohup_survives_the_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopFlag() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop() == ""
    finally:
        signal.signal(signal.SIGHUP, before)


LATE = """
import atexit, os, signal, sys
from evo_fool.session.stopping import EXIT_CODES, StopFlag

class Last:
    def __del__(self, kill=os.kill, own=os.getpid(), number=signal.{name}):
        kill(own, number)  # while the interpreter is taken apart

last = Last()
atexit.register(os.kill, os.getpid(), signal.{name})
with StopFlag() as stop:
    os.kill(os.getpid(), signal.{name})
    code = EXIT_CODES[stop()]
os.kill(os.getpid(), signal.{name})
sys.exit(code)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_second_signal_at_any_later_moment_keeps_the_exit_code(name: str) -> None:
    assert subprocess.run([sys.executable, "-c", LATE.format(name=name)]).returncode == 75
