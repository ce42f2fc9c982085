"""Runs in the making: evolve, resume, checkpoints, stopping."""

from evo_fool.session.session import Progress, evolve, resume

__all__ = ["Progress", "evolve", "resume"]
