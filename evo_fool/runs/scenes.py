"""The scene of a run, rebuilt from its record, and the refusal of one that is not the run's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_fool.errors import ConfigError, CorruptRunError

if TYPE_CHECKING:
    from evo_fool.experiment import Experiment
    from evo_fool.runs.run import Run
    from evo_fool.scenes import Scene

PHOTOS = "photos.npz"
"""The copy of its photographs that a run directory has with ``--keep-photos``."""


def scene_of(
    run: Run,
    *,
    classifier: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    photos: str | Path | None = None,
) -> Scene:
    """The scene that a run's pictures are scored in, at work.

    Args:
        run: the run.
        classifier: where its classifier is found now; needed where the record names code to execute.
        weights: where its weights are found now.
        device: where to score.
        photos: where its photographs are found now; None: its own copy, or else where they were.

    Raises:
        ConfigError: the classifier or the photographs cannot be loaded, or are not those of the run.
    """
    from evo_fool.evaluation.assembly import assemble, trusted_classifier

    experiment = with_photos(run.experiment, photos)
    config = trusted_classifier(experiment, classifier, weights)
    settings = experiment.model_copy(update={"classifier": config, "device": device})
    scene = assemble(settings, encoding=run.encoding, photos=kept_photos(run.path, photos)).scene
    if scene.scorer.classifier.fingerprint() != run.classifier_fingerprint:
        raise ConfigError(f"{config.spec} has other weights than the run was made with; restore them")
    check_scene(run.meta, scene)
    return scene


def kept_photos(path: Path, photos: str | Path | None = None) -> Path | None:
    """The run directory's own copy of its photographs; None where there is none, or ``photos`` names others."""
    kept = path / PHOTOS
    return kept if photos is None and kept.is_file() and not kept.is_symlink() else None


def with_photos(experiment: Experiment, photos: str | Path | None) -> Experiment:
    """The experiment with its photographs or task images found elsewhere; None: as it is.

    Raises:
        ConfigError: its scene has none.
    """
    if photos is None:
        return experiment
    scene = experiment.scene
    if not scene.source:
        raise ConfigError(f"--photos {photos}: the run's scene, {scene.kind}, reads no images; leave it out")
    return experiment.replace("--photos", **{f"scene.{scene.source}": str(Path(photos).absolute())})


def recorded_scene(meta: dict[str, str]) -> dict[str, Any]:
    """What a run recorded of its scene, see :meth:`.Scene.record`.

    Raises:
        CorruptRunError: the record is damaged.
    """
    try:
        recorded = json.loads(meta.get("scene", "{}"))
    except (ValueError, RecursionError):
        recorded = None
    if not (isinstance(recorded, dict) and _counts(recorded.get("photographs", 1))):
        raise CorruptRunError("the record of the run's scene is not readable; restore a copy")
    return recorded


def _counts(number: Any) -> bool:
    return type(number) is int and 1 <= number < 2**63


def check_scene(meta: dict[str, str], scene: Scene) -> None:
    """Refuse a scene that differs from what the run recorded, such as one of other photographs.

    Raises:
        ConfigError: names the first difference.
        CorruptRunError: the record is damaged.
    """
    recorded = recorded_scene(meta)
    found: dict[str, Any] = json.loads(json.dumps(scene.record()))
    for key in sorted(recorded.keys() | found.keys()):
        if recorded.get(key) != found.get(key):
            before, now = (str(each.get(key))[:16] for each in (recorded, found))
            raise ConfigError(
                f"the run was made with other {scene.material} ({key} {before}, now {now}); restore them, or say where "
                "they are: --photos PATH"
            )
