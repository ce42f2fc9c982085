"""Whether images that fool one network fool another."""

from typing import ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.JudgedRunsOptions):
    """Show the elites of every RUN, and random images, to the networks of all of them and to other networks.

    Of the random images each network chooses, for each class, the one it is surest of, as evolution would.
    """

    drawn: ClassVar[str] = "the matrix"
    judges: tuple[str, ...] = Field(
        (),
        alias="judge",
        description="One more network that judges.",
        json_schema_extra={"metavar": "SPEC[@WEIGHTS]"},
    )
    noise: int = Field(500, ge=1, description="Random images to compare.")
