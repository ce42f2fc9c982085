"""``kill -9`` before each call that changes a file: at the start of a run, at its commits and at its end.

EVO_FOOL_KILL_STRIDE=1 tries every call; by default every seventh is.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STRIDE = int(os.environ.get("EVO_FOOL_KILL_STRIDE", "7"))


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that counts calls and kills."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler (cc)")
    library = tmp_path_factory.mktemp("shim") / "system_calls.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, HERE / "system_calls.c", "-ldl"], check=True)
    return library


@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["evolve", "resume", "import"])
def test_killed_before_any_call_that_changes_a_file(what: str, shim: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "kill_points.py", what, tmp_path / "runs", str(STRIDE)],
        capture_output=True,
        text=True,
        env=os.environ | {"LD_PRELOAD": str(shim), "PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outcome = json.loads(done.stdout)
    print(outcome)
    assert outcome["killed"] * STRIDE >= outcome["calls"] > 50
    assert what == "import" or outcome["left a run"] > 0
