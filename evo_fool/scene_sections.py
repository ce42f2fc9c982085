"""The section ``scene`` of an experiment: what a picture is part of when the classifier sees it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from evo_fool.errors import ConfigError
from evo_fool.sections import MAX_BATCH, Integer, Number, Positive, Section, Share, Side


class AloneConfig(Section):
    """The picture is the classifier's input."""

    kind: Literal["alone"] = "alone"

    @property
    def source(self) -> str:
        """The setting that says where its images are; empty where it reads none."""
        return ""

    def problem(self) -> str:
        """What its settings contradict; empty for nothing."""
        return ""


class RacedConfig(AloneConfig):
    """What scenes of many inputs share."""

    kind: Any
    racing: Literal["fast", "exact", "none"] = Field(
        "fast",
        description="fast: all pictures meet few inputs, the promising more, the best all; exact: a picture is dropped "
        "only where it provably takes no cell; none: all pictures meet all inputs. What is recorded is a whole score",
    )


class PhotographsConfig(RacedConfig):
    """What scenes over photographs share."""

    photos: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="a folder of photographs, flat or one folder a class, a photograph, or an npz file with images "
        "(and labels)",
    )
    count: Integer | None = Field(
        None, ge=1, le=MAX_BATCH, description="how many of them, evenly spread by class index; none: all"
    )
    between: tuple[Annotated[Integer, Field(ge=0)], Annotated[Integer, Field(ge=1)]] | None = Field(
        None, description="[first, end]: only those of these places by class index, before count; none: all"
    )
    cells: Literal["all", "classes", "other"] | Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        "all",
        description="one cell a class and one for anything but the clean prediction; classes: without the latter; "
        "other: the latter alone; or a list of names of classes, and other",
    )

    @property
    def source(self) -> str:
        """The setting that says where its images are."""
        return "photos"

    def problem(self) -> str:
        """What its settings contradict; empty for nothing."""
        if self.between is not None and self.between[0] >= self.between[1]:
            return f"scene.between = {list(self.between)}: holds no place; give [first, end] with first below end"
        return super().problem()


class PerturbationConfig(PhotographsConfig):
    """The picture is added to photographs, clipped and rounded to bytes."""

    kind: Literal["perturbation"]
    norm: Literal["linf", "l2"] = Field("linf", description="what epsilon bounds: each value, or the Euclidean norm")
    epsilon: Positive = Field(10.0, description="of 255: below 256 for linf; the literature: 10, and 2000 for l2")
    amplitude: Literal["linear", "sign"] = Field(
        "linear", description="linear: bytes 0 to 255 are -1 to 1; sign: -1 below the middle, else 1"
    )

    def problem(self) -> str:
        """What its settings contradict; empty for nothing."""
        if self.norm == "linf" and self.epsilon >= 256:
            return f"scene.epsilon = {self.epsilon:g}: must be below 256 for norm: linf; it is of 255"
        return super().problem()


class PatchConfig(PhotographsConfig):
    """The picture replaces a part of photographs."""

    kind: Literal["patch"]
    form: Literal["disc", "square"] = Field("disc", description="of the patch")
    share: Share | tuple[Share, Share] = Field(
        0.1, description="of the photograph's area; [least, largest]: drawn anew for each place"
    )
    rotation: Number = Field(
        22.5, ge=0, le=180, description="largest angle in degrees, either way, by which the patch is turned"
    )
    places: Integer = Field(
        4, ge=1, le=1000, description="inputs made of each photograph, each with a place, a size and an angle"
    )

    def problem(self) -> str:
        """What its settings contradict; empty for nothing."""
        if isinstance(self.share, tuple) and self.share[0] > self.share[1]:
            return f"scene.share = {list(self.share)}: give [least, largest]"
        return super().problem()


class ProgramConfig(RacedConfig):
    """The picture surrounds the images of a task, whose labels classes stand for."""

    kind: Literal["program"]
    task: str = Field(
        "squares",
        min_length=1,
        max_length=4096,
        description="squares, mnist, cifar10, or a folder with one folder of images per label, or an npz file with "
        "images and labels",
    )
    data: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="for mnist the folder of MNIST/raw, for cifar10 an npz file or the folder of the binary version; "
        "none: below $EVO_FOOL_DATA",
    )
    inner: Side | None = Field(None, description="side in pixels of the task images; none: their own")
    mapping: Literal["order", "greedy"] = Field(
        "order", description="the class for each label. order: the first classes; greedy: those it looks like unframed"
    )
    count: Integer = Field(100, ge=2, le=10_000, description="task images that guide the search")
    held_out: Integer = Field(500, ge=2, le=10_000, description="other task images, for what is reported")

    @property
    def source(self) -> str:
        """The setting that says where its images are; empty where it reads none."""
        return {"squares": "", "mnist": "data", "cifar10": "data"}.get(self.task, "task")


def places(text: str) -> tuple[int, int]:
    """The two numbers of ``--between FIRST,END``.

    >>> places("250,500")
    (250, 500)

    Raises:
        ConfigError: it is no such pair.
    """
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if found is None or int(found[1]) >= int(found[2]):
        raise ConfigError(f"--between {text}: give FIRST,END with FIRST below END, such as 250,500")
    return int(found[1]), int(found[2])


TASKS = ("squares", "mnist", "cifar10")
"""The tasks of scene: program that have names; any other is a path."""

SceneConfig = Annotated[AloneConfig | PerturbationConfig | PatchConfig | ProgramConfig, Field(discriminator="kind")]
