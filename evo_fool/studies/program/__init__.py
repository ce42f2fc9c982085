"""How well a reprogrammed network does its task on held-out images, beside networks and pictures that were not made."""

from typing import ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.RunsOptions):
    """Count how often each RUN's program makes a network answer right, on held-out images of its task.

    Beside it stand no program (a grey frame), random programs, a linear classifier of the same task images, and chance.
    """

    drawn: ClassVar[str] = "task images in each program, with the answers"
    classifiers: tuple[str, ...] = Field(
        (),
        alias="classifier",
        description="A network to reprogram. Default: each RUN's own.",
        json_schema_extra={"metavar": "SPEC[@WEIGHTS]"},
    )
    held_out: int | None = Field(
        None, ge=2, le=10_000, description="Task images to test on. Default: as many as the RUN holds out."
    )
    random: int = Field(10, ge=1, le=1000, description="Random programs: frames of uniform noise.")
    untrained: bool = Field(
        False,
        description="Reprogram each RUN's network with random weights too, as the RUN was made; by gradient only. It "
        "takes as long as the RUN took.",
    )
    photos: str | None = Field(
        None,
        description="Where the task images are now. Default: where the RUN found them.",
        json_schema_extra={"metavar": "PATH"},
    )
    seed: int = Field(1, ge=0, description="Of the random programs and the random weights.")
