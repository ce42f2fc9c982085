"""Whether some networks are fooled as easily as others, by the same search at the same number of images."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.TrainingOptions):
    """Evolve against every --classifier alike, beside as many random and drifted CPPNs, or take RUNs that are there.

    A RUN is a path, or a name below the runs of --out. Networks of the same classes are also shown each other's
    images. Drifted CPPNs are random ones that were mutated up to 60 times without selection.
    """

    drawn: ClassVar[str] = "images of every network"
    runs: tuple[str, ...] = Field((), json_schema_extra={"argument": True, "metavar": "[RUN…]"})
    classifiers: tuple[str, ...] = Field(
        (),
        alias="classifier",
        description="A network to compare; with RUNs: the network of one, where its record names code.",
        json_schema_extra={"metavar": "SPEC[@WEIGHTS]"},
    )
    photos: tuple[str, ...] = Field(
        (),
        description="Natural images with one folder a class, or an npz file, one for each set of classes in the order "
        "of the networks; - for none.",
        json_schema_extra={"metavar": "PATH"},
    )
    experiment: str | None = Field(
        None,
        description="The search, by an experiment that ships. Default: imagenet-cppn in colour, else mnist-cppn.",
        json_schema_extra={"metavar": "NAME"},
    )
    images: int = Field(20_000, ge=1, description="Images that each run scores, in whole generations.")
    repeats: int = Field(1, ge=1, description="Runs of each kind on each network, of seeds from --seed on.")
    shown: int = Field(100, ge=1, description="Images of each run that other networks are shown, evenly spread.")
    data: Path | None = Field(  # type: ignore[assignment]  # unlike other studies, this one does without
        None,
        description="The folder that holds mnist/, whose test digits are natural images of networks for digits.",
        json_schema_extra={"metavar": "DIR", "envvar": "EVO_FOOL_DATA"},
    )

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.seed, self.seed + self.repeats))
