"""Chunks cover every row once, whatever the number of threads, and errors come back."""

import multiprocessing
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.encodings.numeric.threads import available_cores, available_threads, run_chunks
from evo_fool.evaluation.environment import environment


@given(st.integers(0, 300), st.integers(1, 5), st.integers(1, 100))
def test_every_row_once(n: int, threads: int, grain: int) -> None:
    done: list[int] = []
    run_chunks(lambda first, last: done.extend(range(first, last)), n, threads, grain)
    assert sorted(done) == list(range(n))


def test_small_work_stays_in_this_thread() -> None:
    seen = []
    run_chunks(lambda first, last: seen.append(threading.get_ident()), 10, 8, 100)
    assert seen == [threading.get_ident()]


def test_an_error_in_another_thread_is_raised_here() -> None:
    def work(first: int, last: int) -> None:
        if first > 0:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_chunks(work, 100, 2, 1)


def test_openmp_limit_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert available_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert available_threads() >= 1


def _square_in_chunks(n: int) -> None:
    done: list[int] = []
    run_chunks(lambda first, last: done.extend(range(first, last)), n, 2, 1)
    assert len(done) == n


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    _square_in_chunks(10)
    child = multiprocessing.get_context("fork").Process(target=_square_in_chunks, args=(10,))
    child.start()
    child.join(20)
    assert child.exitcode == 0


def test_a_system_that_does_not_tell_the_cores_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)  # macOS
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert available_cores() == 7
    assert environment(torch.device("cpu"))["cpus"] == 7
