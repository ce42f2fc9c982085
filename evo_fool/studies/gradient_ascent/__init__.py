"""Images found by following the gradient of one class's probability."""

from typing import ClassVar, Literal

from pydantic import Field

from evo_fool.studies.options import RunOptions


class Options(RunOptions):
    """Climb the gradient for the classes of RUN on its network, beside its evolved images (Figure 13)."""

    drawn: ClassVar[str] = "the images"
    limit: int = Field(20, ge=1, description="At most so many classes, evenly spread.")
    setting: Literal["none", "l2", "l2-blur", "l2-blur-pixels", "all"] = "none"
    start: Literal["mean", "uniform", "zero"] = "mean"
    steps: int | None = Field(None, ge=1, description="At most so many.  [default: the setting's]")
    until: float | None = Field(None, ge=0, le=1, description="End a climb at this confidence.  [default: never]")
    seed: int = Field(1, ge=0)
