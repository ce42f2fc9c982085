"""Beginning a run with the elites of another, of the same encoding and any network; they are scored again.

Such a run does not start from chance, so it is another experiment than the one without: its settings, its record and
its preset's label say so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.encodings.base import Encoding, Genomes
from evo_fool.errors import ConfigError, GenomeError
from evo_fool.experiment import Experiment
from evo_fool.runs.digest import digest
from evo_fool.runs.run import open_run


def first_genomes(experiment: Experiment, encoding: Encoding) -> tuple[Genomes, dict[str, Any]] | None:
    """The genomes that generation 0 scores in place of random ones, and the record of where they come from.

    None where the experiment begins with random genomes.

    Args:
        experiment: its ``search.warm_start`` is the other run's directory.
        encoding: of the run that begins.

    Raises:
        RunNotFoundError, CorruptRunError: there is no such run, or it is damaged.
        ConfigError: it has no elites, or genomes of another encoding.
    """
    source = getattr(experiment.search, "warm_start", None)
    if source is None:
        return None
    with open_run(Path(source)) as run, run.store.snapshot():
        ids = sorted({elite.id for elite in run.elites})
        if not ids:
            raise ConfigError(f"search.warm_start = {source}: the run has no elites yet")
        if run.meta.get("codec") != encoding.codec:
            raise ConfigError(
                f"search.warm_start = {source}: its genomes are {run.meta.get('codec')}, this run's are "
                f"{encoding.codec}; choose a run of the same encoding"
            )
        try:
            genomes = np.concatenate([encoding.decode(run.store.blob("genome", id)) for id in ids])
        except GenomeError as error:
            raise ConfigError(f"search.warm_start = {source}: {error}") from None
        record = {
            "run": run.meta.get("id", ""),
            "classifier": run.meta.get("classifier", ""),
            "generation": run.generation,
            "elites": len(ids),
            "digest": digest(run.store),
        }
    return genomes, record
