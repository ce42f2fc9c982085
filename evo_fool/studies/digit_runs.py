"""The runs on digits that the report rests on, as long as the budget allows; equal ones are evolved once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evo_fool.runs import Run
from evo_fool.studies.context import Context

_SMOKE = {"generations": 20}


def digit_run(context: Context, preset: str, seed: int, settings: Mapping[str, Any] | None = None) -> Run:
    """A run of a shipped experiment on digits, found or evolved; the caller closes it.

    Args:
        context: where to look for it and to evolve it.
        preset: such as ``mnist-cppn``.
        seed: of the run.
        settings: dotted settings to change.
    """
    changed = dict(settings or {}) | {"seed": seed} | (_SMOKE if context.budget == "smoke" else {})
    return context.run(context.experiment(preset, changed))
