"""What only the worker does, because it takes numba or torch. A task opens the run itself and returns plain data."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.image import png_bytes
from evo_fool.runs.individuals import describe_genome, genome_arrays, image_of, picture_of
from evo_fool.runs.run import Run, open_run
from evo_fool.text import percent, printable

if TYPE_CHECKING:
    from evo_fool.classifiers.spec import ClassifierSpec
    from evo_fool.gallery.schemas import TopFive
    from evo_fool.scenes import Scene

_TOP = 5


def render(path: Path, individual: int, size: int) -> bytes:
    """An image drawn again from its genome at ``size``, as PNG."""
    with open_run(path) as run:
        return png_bytes(picture_of(run, individual, size))


def draw(path: Path, individual: int) -> bytes:
    """A CPPN's genome as SVG."""
    from evo_fool.pictures.genome_graph import draw_individual

    with open_run(path) as run:
        return draw_individual(run, individual).encode()


def genome_json(path: Path, individual: int) -> bytes:
    """A genome as JSON."""
    with open_run(path) as run:
        about = {"run": run.meta.get("id", ""), "individual": individual, "genome": describe_genome(run, individual)}
        return json.dumps(about, indent=1).encode() + b"\n"


def genome_npz(path: Path, individual: int) -> bytes:
    """A genome and its image as arrays that ``np.load(file, allow_pickle=False)`` reads.

    ``image`` uint8 ``(channels, h, w)``, and what :meth:`.Encoding.arrays` gives.
    """
    with open_run(path) as run:
        arrays = {"image": image_of(run, individual), **genome_arrays(run, individual)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the arrays for options
    return buffer.getvalue()


def top_five(path: Path, individual: int) -> TopFive:
    """The classifier's top five for an image, the surest first; or why it cannot be asked."""
    with open_run(path) as run:
        image = image_of(run, individual)
        try:
            log_odds = trusted_scene(run).score(image[None])[0]
        except (ClassifierError, ConfigError) as error:
            return {"top5": None, "reason": printable(str(error))}
        from evo_fool.probability import probability

        best = np.argsort(log_odds)[::-1][:_TOP]
        chances = probability(log_odds[best]).tolist()
        return {
            "top5": [
                {"class": cls, "name": printable(run.classes[cls]), "p": p, "percent": percent(p)}
                for cls, p in zip(best.tolist(), chances, strict=True)
            ],
            "reason": None,
        }


def trusted_scene(run: Run) -> Scene:
    """The scene of a run, at work.

    Raises:
        ConfigError, ClassifierError: it is not to be loaded, or cannot be.
    """
    from evo_fool.runs.scenes import check_scene, kept_photos

    scene, fingerprint = _load(run.experiment.model_dump_json(), kept_photos(run.path))
    if len(scene.cells) != len(run.classes) or fingerprint != run.classifier_fingerprint:
        raise ConfigError("the classifier found here has other weights than the run was made with")
    check_scene(run.meta, scene)
    scene.check_picture(run.store.image_shape())
    return scene


@lru_cache(maxsize=1)
def _load(definition: str, photos: Path | None) -> tuple[Scene, str]:
    """The scene of an experiment at work, and its classifier's fingerprint; ``photos``: see :func:`.build_scene`.

    The run directory is not trusted: no code that it names is loaded, and nothing is downloaded.
    """
    import torch

    from evo_fool.classifiers.scoring import Scorer
    from evo_fool.classifiers.spec import ClassifierSpec
    from evo_fool.classifiers.zoo import load_classifier
    from evo_fool.experiment import Experiment
    from evo_fool.scenes import build_scene

    torch.set_num_threads(1)
    experiment = Experiment.from_mapping(json.loads(definition), source="recorded experiment")
    spec = ClassifierSpec.of(experiment.classifier)
    if spec.hazard:
        raise ConfigError(f"the run's classifier {spec.hazard}, which the gallery does not load")
    _check_weights(spec)
    cpu = torch.device("cpu")
    classifier = load_classifier(experiment.classifier, cpu)
    scorer = Scorer(classifier, batch=10, view=experiment.scoring.view, device=cpu, seed=experiment.seed)
    return build_scene(experiment.scene, scorer, experiment.seed, photos), classifier.fingerprint()


def _check_weights(spec: ClassifierSpec) -> None:
    """Weights have to be on this machine: looking at a page must not download any."""
    import torch

    from evo_fool.classifiers.sources.torchvision import published_weights

    for member in spec.members:
        if member.kind == "plugin":
            raise ConfigError(f"{member} may fetch its weights, so the gallery does not load it")
        if member.kind == "torchvision" and member.weights is None:
            file = published_weights(member.target, None).url.rpartition("/")[2]
            if not Path(torch.hub.get_dir(), "checkpoints", file).is_file():
                raise ConfigError(f"the weights of {member} are not on this machine")
