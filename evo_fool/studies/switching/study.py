"""Goal switches in a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evo_fool.runs import find_run, open_run
from evo_fool.studies.context import Context
from evo_fool.studies.section import Row, share_text
from evo_fool.studies.study import Skipped, Study
from evo_fool.studies.switching import Options
from evo_fool.studies.switching.measure import shares, switching


class GoalSwitches(Study[Options]):
    key = "switching"
    title = "Goal switches"

    def measure(self, context: Context) -> dict[str, Any]:
        if self.options is None:
            raise Skipped("goal switches are counted in a run; name one")
        with open_run(find_run(self.options.run, self.options.out)) as run:
            return switching(run)

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        return data | shares(data)

    def rows(self, data: dict[str, Any]) -> list[Row]:
        return switching_rows("", [data])


def switching_rows(prefix: str, found: Sequence[dict[str, Any]]) -> list[Row]:
    """The table of one or several runs, medians over these.

    Args:
        prefix: of every line.
        found: what :func:`.switching` returned, one a run.
    """

    def middle(name: str) -> float:
        return float(np.median([(entry | shares(entry))[name] for entry in found]))

    return [
        Row(
            f"{prefix}goal switches, share of captures",
            share_text(middle("share")),
            note=f"{middle('captures'):,.0f} captures a run",
        ),
        Row(f"{prefix}elites of which no parent ever held their class", share_text(middle("elite_share"))),
        Row(f"{prefix}elites with a goal switch in their line", share_text(middle("line_share"))),
        Row(
            f"{prefix}ancestors of an elite, median",
            middle("line"),
            note=f"{middle('line_switches'):g} goal switches along the line",
        ),
    ]
