"""Finding a run by the configuration it was made with, whatever its name and folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from evo_fool.errors import CorruptRunError, RunNotFoundError
from evo_fool.runs import Run, list_runs, open_run
from evo_fool.runs.experiment_diff import configuration_digest


@contextmanager
def opened(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """All of ``runs``, which opens them one after the other; whatever was opened is closed at the end or on error."""
    with ExitStack() as stack:
        yield [stack.enter_context(run) for run in runs]


def find_configuration(
    wanted: str, roots: Sequence[Path], say: Callable[[str], None]
) -> tuple[Run | None, Path | None]:
    """The finished run with a configuration digest, open; or else the path of an unfinished one in the first folder.

    Args:
        wanted: see :func:`~evo_fool.runs.experiment_diff.configuration_digest`.
        roots: folders of run directories; all but the first are only read.
        say: told which directories cannot be read.
    """
    unfinished: Path | None = None
    for root in roots:
        for path in list_runs(root):
            try:
                with open_run(path) as run:
                    channels, size, _ = run.store.image_shape()
                    digest = configuration_digest(
                        run.experiment, run.classifier_fingerprint, size=size, channels=channels
                    )
                    same = digest == wanted and not run.objects
                    finished = run.status == "finished"
                if same and finished:
                    return open_run(path), None
            except (CorruptRunError, RunNotFoundError) as error:
                say(f"left aside: {error}")
                continue
            if same and root == roots[0]:
                unfinished = path
    return None, unfinished
