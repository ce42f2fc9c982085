"""A long run does not grow: nothing is remembered per generation in memory."""

from pathlib import Path

import psutil
import pytest
from support import small

from evo_fool.session import Progress, evolve


@pytest.mark.alone
@pytest.mark.timeout(600)
def test_twenty_thousand_generations_grow_the_process_by_less_than_20_mb(out: Path) -> None:
    process = psutil.Process()
    sizes: dict[int, int] = {}

    def watch(progress: Progress) -> None:
        if progress.generation % 500 == 0:
            sizes[progress.generation] = process.memory_info().rss

    evolve(small("pixels", generations=20_000, batch=2), out=out, callbacks=[watch])
    growth = (max(sizes.values()) - sizes[500]) / 1e6
    print(f"grew by {growth:.1f} MB over 20,000 generations")
    assert growth < 20
