"""Where the network looks: attribution maps of elites, and what a quarter of the image carries."""

from typing import ClassVar

from pydantic import Field

from evo_fool.studies.options import RunOptions


class Options(RunOptions):
    """Say how much of RUN's confidence a quarter of the image carries; with --to, map what the network looks at."""

    drawn: ClassVar[str] = "the maps"
    limit: int = Field(20, ge=1, description="At most so many classes, evenly spread.")
