"""What a classifier makes of random images."""

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from evo_fool.studies.options import ClassifierOptions

Kind = Literal["uniform", "gaussian", "permuted", "constant", "low-frequency"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Options(ClassifierOptions):
    """Show a classifier random images and keep the best for each class: what it gives away for nothing.

    KIND is uniform, gaussian, constant, low-frequency or permuted.  [default: all but permuted]
    """

    kinds: tuple[Kind, ...] = Field((), json_schema_extra={"argument": True, "metavar": "[KIND…]"})
    images: int = Field(10_000, ge=1, description="Of each kind.")
    seed: int = Field(1, ge=0)
    natural: Path | None = Field(
        None,
        description="A folder of photographs a class, whose pixels the kind `permuted` puts in another order.",
        json_schema_extra={"metavar": "DIR"},
    )
