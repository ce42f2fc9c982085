"""Where genomes meet the classifier: the only room that knows both."""

from evo_fool.evaluation.evaluator import Evaluator, Scored

__all__ = ["Evaluator", "Scored"]
