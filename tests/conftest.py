"""What many tests share: where real data lies, a folder of one's own to work in, and threads that do not quarrel."""

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line has it
if "PYTEST_XDIST_WORKER" in os.environ:  # before torch and numba count the cores: each worker has its own share
    for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

# A test run that was started in the background may have been told to ignore Ctrl-C, and would hand that on to the
# commands it starts; those that test Ctrl-C need it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets; the test is skipped where there is none."""
    folder = Path(os.environ.get("EVO_FOOL_DATA", REPOSITORY / "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no data in {folder}; set EVO_FOOL_DATA to the folder that holds mnist/")
    return folder


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, so that ``outputs/`` is made there and nowhere else."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def cppn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of CPPNs against the embedded classifier; several tests share it: look, don't touch."""
    return _finished_run("cppn", tmp_path_factory)


@pytest.fixture(scope="session")
def pixels_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of pixel genomes against the embedded classifier; several tests share it: look, don't touch."""
    return _finished_run("pixels", tmp_path_factory)


def _finished_run(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from support import small

    from evo_fool.session import evolve  # here, for the threads above come first

    with evolve(small(kind), out=tmp_path_factory.mktemp(kind)) as run:
        return run.path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where run directories are made."""
    return tmp_path / "outputs"


@pytest.fixture(scope="session")
def mnist_dir(data_folder: Path) -> Path:
    """MNIST in torchvision's raw layout."""
    if not (data_folder / "mnist" / "MNIST" / "raw").is_dir():
        pytest.skip(f"no mnist/MNIST/raw in {data_folder}")
    return data_folder / "mnist"
