"""Whether the network's confidence outlives a shift by a pixel, recompression, a photograph of the print."""

from typing import ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.JudgedRunsOptions):
    """Show the elites of every RUN again after a shift, mirroring, JPEG, resizing, blur, other light, and a print.

    Photographs, and RUNs of random images on the same network, are compared at equal confidence.
    """

    drawn: ClassVar[str] = "how many images keep their confidence"
    photos: str | None = Field(
        None,
        description="Photographs to compare: a folder with one folder a class, or a labelled npz file.",
        json_schema_extra={"metavar": "DIR"},
    )
    between: str | None = Field(
        None,
        description="Only photographs of these places by class index.",
        json_schema_extra={"metavar": "FIRST,END"},
    )
    limit: int | None = Field(None, ge=1, description="At most so many elites of each RUN, evenly spread.")
    seed: int = Field(1, ge=0, description="Of the printed and photographed images.")
