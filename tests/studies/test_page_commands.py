"""What pages tell a reader to type: every command exists, takes its options, and says what the page did."""

import click
import pytest

from evo_fool.cli.verbs import application
from evo_fool.studies.context import Context
from evo_fool.studies.generative import Contest
from evo_fool.studies.generative.study import Generative
from evo_fool.studies.transfer.study import Transfer


def _parsed(command: str) -> dict[str, object]:
    """The arguments that the verb gets; fails for a verb or an option that does not exist."""
    program, *words = command.split()
    assert program == "evo-fool"
    verb: click.Command | None = application
    while isinstance(verb, click.Group):
        verb = verb.get_command(click.Context(verb), words.pop(0))
    assert verb is not None, command
    return verb.make_context("evo-fool", ["." if word == "DIR" else word for word in words]).params


@pytest.mark.parametrize("settings", [Contest(), Contest(seed=3, vae_epochs=4, digits=6000)])
def test_generative(settings: Contest) -> None:
    context = Context(None, seeds=(settings.seed, 7))
    *trained, contest = map(_parsed, Generative().commands(context, {"contest": settings.model_dump()}))
    for key in ("seed", "vae_epochs", "lenet_epochs", "generations", "digits"):
        assert contest[key] == getattr(settings, key)
    # `train vae` always learns from all digits.
    assert len(trained) == (2 if settings.digits is None else 0)
    if trained:
        assert (trained[0]["seed"], trained[0]["epochs"]) == (settings.seed, settings.vae_epochs)
        assert trained[1]["weights"] == str(trained[0]["out"]) and trained[1]["seed"] == 7


def test_transfer() -> None:
    networks = {f"LeNet {letter}": {"seed": seed, "epochs": 3} for letter, seed in zip("BC", (5, 6), strict=True)}
    commands = Transfer().commands(Context(None), {"MNIST": {"networks": networks}})
    second, third, ensemble, judged, runs = map(_parsed, commands)
    assert [(c["seed"], c["epochs"]) for c in (second, third)] == [(5, 3), (6, 3)]
    assert str(second["out"]) in str(ensemble["classifier"])
    assert f"lenet-mnist@{third['out']}" in judged["judges"]  # type: ignore[operator]
    assert runs["runs"] == ("RUN", "RUN")
