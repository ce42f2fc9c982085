"""How often a patch makes networks answer its class on held-out photographs, beside a photograph of that class, noise
and published patches."""

from typing import Annotated, ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.HeldOutOptions):
    """Put the patches of every RUN, and published ones, on held-out photographs, beside a photograph of the class and
    noise.

    A patch succeeds where the network answers its class; photographs of that class, or taken for it, do not count.
    """

    drawn: ClassVar[str] = "photographs with each patch"
    target: str | None = Field(
        None,
        description="The class whose elite is taken of each RUN. Default: that of its only elite.",
        json_schema_extra={"metavar": "CLASS"},
    )
    published: tuple[str, ...] = Field(
        (),
        description="A patch as PNG, a square, or a disc with transparent corners, whose name begins with the index of "
        "its class, as 954_banana.png; or a folder of them.",
        json_schema_extra={"metavar": "FILE|DIR"},
    )
    natural: str | None = Field(
        None,
        description="A photograph of the class to paste in. Default: the surest of those that are not tested on.",
        json_schema_extra={"metavar": "FILE"},
    )
    shares: tuple[Annotated[float, Field(ge=0.001, le=0.9)], ...] = Field(
        (0.05, 0.1, 0.2), alias="share", description="Of the photograph's area."
    )
    rotation: float = Field(22.5, ge=0, le=180, description="Largest angle in degrees, either way.")
    seed: int = Field(1, ge=0, description="Of places, angles and noise.")
