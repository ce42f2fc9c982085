"""Whether detectors tell fooling images from natural ones, also when the images were evolved against the detector."""

from typing import ClassVar

from pydantic import Field

from evo_fool.classifiers.spec import Detecting
from evo_fool.studies import options


class Options(options.RunsOptions):
    """Tell the images of every RUN, noise, CPPNs and images by gradient from natural ones, by every detector.

    A RUN against `guarded:FILE:SPEC` was evolved against that detector: it is compared with RUNs against SPEC alone.
    """

    drawn: ClassVar[str] = "AUROC by detector and images"
    photos: str = Field(
        description="Natural images: a folder, an npz file, or the folder that holds MNIST/raw.",
        json_schema_extra={"metavar": "DIR"},
    )
    fit: str | None = Field(
        None,
        description="Fit on these, by class index. Default: the first half.",
        json_schema_extra={"metavar": "FIRST,END"},
    )
    between: str | None = Field(
        None,
        description="Take thresholds from these, and compare with them. Default: the second half.",
        json_schema_extra={"metavar": "FIRST,END"},
    )
    detectors: tuple[Detecting, ...] = Field(
        (), alias="detector", description="Only these. Default: all that the network allows."
    )
    vaes: str | None = Field(
        None, description="For the detector vae: weights by `train vae`.", json_schema_extra={"metavar": "FILE"}
    )
    images: int = Field(500, ge=20, description="Of noise, of random and of drifted CPPNs.")
    climbs: int = Field(20, ge=0, description="Classes to find images for by gradient, where no RUN has them.")
    seed: int = Field(1, ge=0)
