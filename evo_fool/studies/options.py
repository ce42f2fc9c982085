"""What `evo-fool study` can be asked: one pydantic model a study, from which the command line makes its options.

A field becomes an option of its name or alias: ``Literal`` a choice, ``ge`` and ``le`` a range, ``bool`` a flag,
``tuple`` an option that may be repeated; its description is the help. ``json_schema_extra`` holds click's settings,
such as ``metavar`` and ``envvar``; with ``{"argument": True}`` the field is an argument. The model's
docstring is the command's help. Models import nothing heavy, so that ``--help`` is quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """The base of all.

    Attributes:
        drawn: what the study's first picture shows, such as "the maps"; ``--to FILE.png`` writes it. "": no ``--to``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    drawn: ClassVar[str] = ""


class ClassifierOptions(Options):
    """A classifier."""

    classifier: str | None = Field(
        None,
        description="lenet-mnist, vae-mnist, torchvision:NAME, plugin:NAME or FILE.py:FACTORY.",
        json_schema_extra={"metavar": "SPEC"},
    )
    weights: str | None = Field(
        None, description="A .safetensors file, or a .pt file of tensors only.", json_schema_extra={"metavar": "PATH"}
    )


class RunOptions(ClassifierOptions):
    """A run, some of its classes, and a classifier to score with instead of the run's own."""

    run: str = Field(json_schema_extra={"argument": True})
    out: Path = Field(
        Path("outputs"), description="The folder that holds run directories.", json_schema_extra={"metavar": "DIR"}
    )
    classes: tuple[str, ...] = Field(
        (), alias="class", description="Only these, by index or name.", json_schema_extra={"metavar": "CLASS"}
    )
    limit: int | None = Field(None, ge=1, description="At most so many classes, evenly spread.")
    device: str = Field("auto", description="Where to score.", json_schema_extra={"metavar": "auto|cpu|cuda"})


class RunsOptions(Options):
    """One or more runs."""

    runs: tuple[str, ...] = Field(json_schema_extra={"argument": True, "metavar": "RUN [RUN…]"})
    out: Path = Field(
        Path("outputs"), description="The folder that holds run directories.", json_schema_extra={"metavar": "DIR"}
    )


class JudgedRunsOptions(RunsOptions):
    """Runs whose pictures are shown to the networks that they were evolved on."""

    classifiers: tuple[str, ...] = Field(
        (),
        alias="classifier",
        description="The network of a RUN, needed where its record names code or its weights have moved.",
        json_schema_extra={"metavar": "SPEC[@WEIGHTS]"},
    )
    device: str = Field("auto", description="Where to score.", json_schema_extra={"metavar": "auto|cpu|cuda"})


class HeldOutOptions(RunsOptions):
    """Runs, or none, whose pictures are tested on photographs that they were not made on."""

    runs: tuple[str, ...] = Field((), json_schema_extra={"argument": True, "metavar": "[RUN…]"})
    classifiers: tuple[str, ...] = Field(
        (),
        alias="classifier",
        description="A network to fool. Default: those of the RUNs.",
        json_schema_extra={"metavar": "SPEC[@WEIGHTS]"},
    )
    photos: str | None = Field(
        None,
        description="Photographs, as scene.photos. Default: where the first RUN's come from.",
        json_schema_extra={"metavar": "DIR"},
    )
    between: str | None = Field(
        None,
        description="Only photographs of these places by class index. Default: those that no RUN was made on.",
        json_schema_extra={"metavar": "FIRST,END"},
    )


class TrainingOptions(Options):
    """A place to evolve and train in; the same place again continues where it stopped."""

    data: Path = Field(
        description="The folder that holds mnist/ or MNIST/raw.",
        json_schema_extra={"metavar": "DIR", "envvar": "EVO_FOOL_DATA"},
    )
    out: Path = Field(
        Path("outputs/studies"),
        description="Where runs, weights and sub-results go. The same DIR again goes on where it stopped.",
        json_schema_extra={"metavar": "DIR"},
    )
    seed: int = Field(1, ge=0)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The context's seeds."""
        return (self.seed,)
