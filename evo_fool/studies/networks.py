"""The networks of a study: each once, by names that tell apart those that call themselves alike."""

from __future__ import annotations

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError


class Networks:
    """Networks in the order in which they were added.

    Attributes:
        scorers: by distinct names.
        names: the same names, by fingerprint.
    """

    def __init__(self) -> None:
        self.scorers: dict[str, Scorer] = {}
        self.names: dict[str, str] = {}

    def add(self, scorer: Scorer) -> str:
        """The name of a network, which is new unless the same weights are known already."""
        classifier = scorer.classifier
        fingerprint = classifier.fingerprint()
        if fingerprint not in self.names:
            alike = sum(name == classifier.name or name.startswith(f"{classifier.name} #") for name in self.scorers)
            name = f"{classifier.name} #{alike + 1}" if alike else classifier.name
            self.names[fingerprint], self.scorers[name] = name, scorer
        return self.names[fingerprint]

    def add_comparable(self, scorer: Scorer, spec: str) -> str:
        """:meth:`add`, for studies that show all networks the same inputs.

        Raises:
            ConfigError: the network that ``spec`` names takes other inputs than the first, or knows other classes.
        """
        first = next(iter(self.scorers.values()), scorer).classifier
        if (scorer.classifier.shape, scorer.classifier.classes) != (first.shape, first.classes):
            raise ConfigError(f"{spec} takes other inputs or knows other classes than {first.name}; leave one out")
        return self.add(scorer)
