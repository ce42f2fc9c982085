"""How many held-out photographs a universal perturbation fools, network by network, beside noise of the same size."""

from typing import Annotated, ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.HeldOutOptions):
    """Add the perturbations of every RUN, and published ones, to held-out photographs, beside noise of equal size.

    A photograph is fooled if the network's answer differs from that to the clean photograph.
    """

    drawn: ClassVar[str] = "photographs before and after"
    cells: tuple[str, ...] = Field(
        (),
        alias="cell",
        description='The elite to take of each RUN, by class. Default: that of "anything else", or the surest.',
        json_schema_extra={"metavar": "CELL"},
    )
    published: tuple[str, ...] = Field(
        (),
        description="A perturbation as an array: floating point, of 255, height by width by channels, RGB.",
        json_schema_extra={"metavar": "FILE.npy"},
    )
    epsilons: tuple[Annotated[float, Field(ge=0, le=255)], ...] = Field(
        (), alias="epsilon", description="Scale to this L∞ too, of 255; Gaussian noise in step."
    )
    seed: int = Field(1, ge=0, description="Of the noise.")
