"""Whether two runs answer the same question: one number for what an experiment asks, whatever it is called."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from evo_fool.experiment import Experiment

_NEUTRAL: dict[str, Any] = {
    "name": True,
    "preset": True,
    "device": True,
    "warn_after": True,
    "checkpoint": True,
    "retention": True,
    # How fast, not what: precision only chooses the candidates whose score is then taken in float32.
    "scoring": {"precision", "batch"},
    # Where the weights lie does not matter, which they are does: the fingerprint says it.
    "classifier": True,
}
"""What does not decide the outcome but for the last bits: labels, the machine, and what is kept on disk."""


def configuration_digest(experiment: Experiment, fingerprint: str) -> str:
    """SHA-256 (hex) of what a run computes.

    Args:
        experiment: as given or as recorded: what ``auto`` was resolved to does not matter.
        fingerprint: of its classifier, see :meth:`.Classifier.fingerprint`.

    >>> one, other = Experiment(name="a"), Experiment(name="b", device="cpu")
    >>> configuration_digest(one, "f") == configuration_digest(other, "f")
    True
    >>> configuration_digest(one, "f") == configuration_digest(one, "g")
    False
    """
    asked = experiment.model_dump(mode="json", exclude=_NEUTRAL)
    asked["initial"] = experiment.initial_batch
    return hashlib.sha256(json.dumps([asked, fingerprint], sort_keys=True).encode()).hexdigest()
