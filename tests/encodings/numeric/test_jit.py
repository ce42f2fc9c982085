"""Kernels compile where nothing can be cached, and a change in any source file makes cached kernels stale."""

import os
import subprocess
import sys
from pathlib import Path

import evo_fool.encodings.numeric.jit as jit
from evo_fool.encodings.operators import _mutate_rows


def test_the_stamp_covers_every_source() -> None:
    stamp = _mutate_rows._cache._cache_file._source_stamp
    assert stamp[-1] == jit._digest_sources()


def test_read_only_installations_compile_without_a_cache(tmp_path: Path) -> None:
    program = (
        "import numba.core.caching as c\n"
        "def refuse(*a, **k): raise RuntimeError('no locator available')\n"
        "c.CacheImpl.__init__ = refuse\n"
        "from evo_fool.encodings.numeric.jit import kernel\n"
        "print(kernel(lambda x: x + 1)(2))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.stdout.strip() == "3", done.stderr
