"""What a perturbation of one photograph does: success, size, and how it carries over, beside noise of the same size."""

from typing import ClassVar

from pydantic import Field

from evo_fool.studies import options


class Options(options.RunsOptions):
    """Score what every RUN made of its photograph on each network, beside noise of the size of each change.

    A RUN is of one photograph and of classes to reach, by gradient lbfgs or evolved. Runs of the same name and network
    are one row.
    """

    drawn: ClassVar[str] = "photographs before and after"
    classifiers: tuple[str, ...] = Field(
        (),
        alias="classifier",
        description="A network to carry the changes over to, beside those of the RUNs.",
        json_schema_extra={"metavar": "SPEC[@WEIGHTS]"},
    )
    photos: str | None = Field(
        None, description="Where the photographs of the RUNs are now.", json_schema_extra={"metavar": "PATH"}
    )
    seed: int = Field(1, ge=0, description="Of the noise.")
