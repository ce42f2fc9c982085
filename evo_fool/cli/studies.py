"""``evo-fool study …``: ask one question of a run. The report of all studies is ``evo-fool reproduce``."""

from __future__ import annotations

import click

from evo_fool.cli.studies_elites import attribution, gradient_ascent, paths, repetition, transfer
from evo_fool.cli.studies_search import noise, switching
from evo_fool.cli.studies_training import generative, retraining


@click.group()
def study() -> None:
    """Ask one question: of a run's elites, or by training networks."""


for command in (switching, noise, gradient_ascent, transfer, repetition, attribution, paths, retraining, generative):
    study.add_command(command)
