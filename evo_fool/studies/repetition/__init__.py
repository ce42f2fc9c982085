"""Whether repeated elements are needed."""

from typing import Annotated, ClassVar

from annotated_types import Ge
from pydantic import Field

from evo_fool.studies.options import RunOptions


class Options(RunOptions):
    """Remove all repeated elements but one from RUN's elites, or repeat each as a whole, and score that (Figure 10)."""

    drawn: ClassVar[str] = "some of them"
    tiles: tuple[Annotated[int, Ge(2)], ...] = Field((2, 3, 4), description="Also repeat each elite so often a side.")
