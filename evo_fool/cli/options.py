"""Arguments and options that several verbs share: EXPERIMENT with -S, RUN with --out, and durations such as 10m."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Verb = Callable[..., Any]
DEFAULT_OUTPUTS = Path("outputs")

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def seconds(text: str) -> float:
    """A duration in seconds.

    >>> seconds("1h30m"), seconds("10m"), seconds("45"), seconds("1.5s")
    (5400.0, 600.0, 45.0, 1.5)

    Raises:
        click.BadParameter: anything else, and nothing at all.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise click.BadParameter(f"{text!r} is not a duration; write 90, 45s, 10m, 1h30m or 2d")
    total = sum(float(part or 0) * unit for part, unit in zip(match.groups(), (86400, 3600, 60, 1), strict=True))
    if total <= 0:
        raise click.BadParameter(f"{text!r}: the duration must be more than nothing")
    return total


class Duration(click.ParamType[float]):
    """A click type for :func:`seconds`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return value if isinstance(value, float) else seconds(str(value))


def experiment_argument(default: str | None = None) -> Callable[[Verb], Verb]:
    """EXPERIMENT and ``-S``: the verb gets ``experiment`` (text) and ``assignments``, for :func:`load_experiment`."""
    argument = click.argument("experiment", default=default) if default else click.argument("experiment")
    assignments = click.option(
        "-S",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a setting, as in -S batch=50 -S encoding.coordinates=pixel.",
    )
    return lambda verb: argument(assignments(verb))


def load_experiment(text: str, assignments: tuple[str, ...] = ()) -> Any:
    """The :class:`~evo_fool.experiment.Experiment` that EXPERIMENT and ``-S`` name."""
    from evo_fool.experiment import Experiment
    from evo_fool.presets import find_experiment

    return with_settings(Experiment.from_yaml(find_experiment(text)), {}, assignments)


def with_settings(experiment: Any, settings: dict[str, Any], assignments: tuple[str, ...] = ()) -> Any:
    """The experiment with ``-S`` assignments, then dotted settings changed; those that are None stay as they are."""
    from evo_fool.overrides import parse_assignments

    changes = parse_assignments(assignments) | {key: value for key, value in settings.items() if value is not None}
    return experiment.replace("-S", **changes) if changes else experiment


out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_OUTPUTS,
    show_default=True,
    metavar="DIR",
    help="The folder that holds run directories.",
)


def run_argument(verb: Verb) -> Verb:
    """RUN and ``--out``: the verb gets ``run`` (text) and ``out``, for :func:`evo_fool.runs.find_run`."""
    return click.argument("run")(out_option(verb))


photos_option = click.option("--photos", metavar="PATH", help="Where the scene's photographs or task images are now.")


def classifier_options(verb: Verb) -> Verb:
    """``--classifier`` and ``--weights``, None where not given."""
    spec = click.option(
        "--classifier",
        metavar="SPEC",
        help="lenet-mnist, torchvision:NAME, timm:NAME, hf:FOLDER, onnx:FILE, FILE.py:FACTORY, http:URL, …: "
        "docs/howto/own-classifier.md has all.",
    )
    weights = click.option("--weights", metavar="PATH", help="A .safetensors file, or a .pt file of tensors only.")
    return spec(weights(verb))


def source_options(verb: Verb) -> Verb:
    """``--classes`` and ``--max-queries``, None where not given."""
    classes = click.option("--classes", metavar="FILE", help="Names of the classes, one a line; or imagenet.")
    queries = click.option("--max-queries", type=int, metavar="N", help="http: send no more images than these.")
    return classes(queries(verb))
