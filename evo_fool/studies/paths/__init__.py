"""Random pictures, and straight lines from fooling images to natural ones."""

from pathlib import Path

from pydantic import Field

from evo_fool.studies.options import RunOptions


class Options(RunOptions):
    """Say what RUN's network makes of random pictures, and of what lies between elites and photographs."""

    limit: int = Field(100, ge=1, description="At most so many classes, evenly spread.")
    photos: Path | None = Field(
        None,
        description="Photographs, a folder a class: follow straight lines to them.",
        json_schema_extra={"metavar": "DIR"},
    )
    random: int = Field(500, ge=1, description="Random pictures.")
