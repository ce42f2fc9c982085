"""``evo-fool config``: look at an experiment without running it."""

from __future__ import annotations

import click

from evo_fool.cli.options import experiment_argument, load_experiment
from evo_fool.cli.output import Output, output_option


@click.group()
def config() -> None:
    """Show, validate or describe an experiment."""


@config.command()
@experiment_argument()
@output_option
def show(experiment: str, assignments: tuple[str, ...], output: Output) -> None:
    """Print EXPERIMENT with every setting spelt out, as a run would record it."""
    resolved = load_experiment(experiment, assignments)
    if output.json:
        output.data(resolved.model_dump(mode="json"))
    else:
        output.say(resolved.to_yaml().rstrip())


@config.command()
@experiment_argument()
@output_option
def validate(experiment: str, assignments: tuple[str, ...], output: Output) -> None:
    """Check EXPERIMENT; exit code 2 and one line where something is wrong."""
    resolved = load_experiment(experiment, assignments)
    if output.json:
        output.data({"valid": True, "name": resolved.name, "preset": resolved.preset})
    else:
        output.say(f"{experiment}: valid ({resolved.preset})")


@config.command()
@output_option
def schema(output: Output) -> None:
    """Print the JSON schema of an experiment file, for editors."""
    from evo_fool.experiment import Experiment

    output.data(Experiment.model_json_schema())
