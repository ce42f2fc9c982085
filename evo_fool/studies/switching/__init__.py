"""Goal switches in a run."""

from pathlib import Path

from pydantic import Field

from evo_fool.studies.options import Options as Base


class Options(Base):
    """Count goal switches in RUN: classes that an image took whose parent held only others."""

    run: str = Field(json_schema_extra={"argument": True})
    out: Path = Field(
        Path("outputs"), description="The folder that holds run directories.", json_schema_extra={"metavar": "DIR"}
    )
