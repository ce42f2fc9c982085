"""How networks do on photographs that were chosen because they fool some network."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from evo_fool.studies import options

_SPEC = "SPEC[@WEIGHTS]"


class Options(options.Options):
    """Measure networks on natural adversarial images such as ImageNet-A and ImageNet-O, and filter photographs.

    For each SPEC: accuracy over the kept classes and over all, RMS calibration error, AURRA, and with --outside how
    well the confidence tells photographs of no known class (AUPR). --filter-by and --test: keep the images that fool
    one network, and count those that fool another, of the photographs and of the elites of every --run.
    """

    drawn: ClassVar[str] = "the most confident errors"
    classifiers: tuple[str, ...] = Field((), json_schema_extra={"argument": True, "metavar": "[SPEC…]"})
    photos: Path = Field(
        description="Photographs, one folder a class, named by WordNet id or class name.",
        json_schema_extra={"metavar": "DIR"},
    )
    classes: str | None = Field(
        None,
        description="The classes to keep: names or WordNet ids, one a line, or JSON. Default: those with a folder.",
        json_schema_extra={"metavar": "FILE"},
    )
    outside: Path | None = Field(
        None, description="Photographs of no known class, in any folders.", json_schema_extra={"metavar": "DIR"}
    )
    filter_by: tuple[str, ...] = Field(
        (), description="Keep the images that fool this network.", json_schema_extra={"metavar": _SPEC}
    )
    tests: tuple[str, ...] = Field(
        (), alias="test", description="A network to show them to.", json_schema_extra={"metavar": _SPEC}
    )
    runs: tuple[str, ...] = Field(
        (), alias="run", description="A run whose elites are filtered too.", json_schema_extra={"metavar": "RUN"}
    )
    out: Path = Field(
        Path("outputs"), description="The folder that holds run directories.", json_schema_extra={"metavar": "DIR"}
    )
