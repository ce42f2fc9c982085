"""What a picture does to the classifier's inputs: it is the input, is added to photographs, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_fool.scenes.alone import Alone
from evo_fool.scenes.base import Scene

if TYPE_CHECKING:
    from pathlib import Path

    from evo_fool.classifiers.scoring import Scorer
    from evo_fool.scene_sections import SceneConfig
    from evo_fool.scenes.photographs import Photographs

__all__ = ["Alone", "Scene", "build_scene"]


def build_scene(config: SceneConfig, scorer: Scorer, seed: int, photos: Path | Photographs | None = None) -> Scene:
    """The scene of an experiment.

    Args:
        config: the experiment's scene section.
        scorer: scores the inputs.
        seed: the experiment's; decides whatever a scene draws.
        photos: a run's own copy of its photographs, or photographs chosen already; None: where the section says.

    Raises:
        ConfigError: its photographs cannot be used.
    """
    from evo_fool.scene_sections import PatchConfig, PerturbationConfig, ProgramConfig
    from evo_fool.scenes.patch import Patch
    from evo_fool.scenes.perturbation import Perturbation
    from evo_fool.scenes.program import Program

    if isinstance(config, PerturbationConfig):
        return Perturbation(config, scorer, seed, photos)
    if isinstance(config, PatchConfig):
        return Patch(config, scorer, seed, photos)
    if isinstance(config, ProgramConfig):
        return Program(config, scorer, seed)
    return Alone(config, scorer, seed)
