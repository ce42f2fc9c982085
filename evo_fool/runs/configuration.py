"""Whether two runs answer the same question: one number for what an experiment asks, whatever it is called."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from evo_fool.encodings import build_encoding
from evo_fool.experiment import Experiment
from evo_fool.shape import Size

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


def configuration_digest(experiment: Experiment, fingerprint: str, *, size: Size, channels: int) -> str:
    """SHA-256 (hex) of what a run computes.

    Args:
        experiment: as given or as recorded: what is left to a rule counts as what the rule gives.
        fingerprint: of its classifier, see :meth:`.Classifier.fingerprint`.
        size: of the classifier's input, or of the run's images where the experiment leaves the size open.
        channels: of the classifier's input.

    >>> one, other = Experiment(name="a"), Experiment(name="b").with_overrides(["encoding.size=28"])
    >>> configuration_digest(one, "f", size=28, channels=1) == configuration_digest(other, "f", size=28, channels=1)
    True
    """
    asked = experiment.model_dump(mode="json", exclude=_NEUTRAL)
    asked["initial"] = experiment.initial_batch
    asked["encoding"] = build_encoding(experiment.encoding, size=size, channels=channels).asked(experiment.generations)
    return hashlib.sha256(json.dumps([asked, fingerprint], sort_keys=True).encode()).hexdigest()
