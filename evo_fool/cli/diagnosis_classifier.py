"""The checks of ``evo-fool doctor --classifier``, to be made before a long run against a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import measure_accuracy
from evo_fool.classifiers.precision import choose_batch, choose_precision, time_precisions
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.torchvision import published_weights
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.diagnosis import Finding, Found, Problem, run_check
from evo_fool.evaluation.assembly import measures_precision
from evo_fool.evaluation.environment import choose_device
from evo_fool.randomness import stream
from evo_fool.sections import ClassifierConfig

_ENOUGH = 20
"""Photographs from which on no better than guessing is a failure."""

_SHOWN = 3


def diagnose_classifier(config: ClassifierConfig, photos: Path | None) -> list[Finding]:
    """Check a classifier on the device that a run would use; only loading where that fails."""
    loaded: list[Classifier] = []

    def load() -> Found:
        loaded.append(load_classifier(config, choose_device("auto")))
        return check_weights(loaded[0])

    findings = [run_check("classifier", load)]
    if not findings[0].ok:
        return findings
    classifier, device = loaded[0], choose_device("auto")
    scorer = Scorer(classifier, batch=choose_batch(None, classifier.size, device), view="auto", device=device)
    checks: dict[str, Callable[[], Found]] = {
        "input": lambda: check_input(classifier, config),
        "scores": lambda: check_scores(scorer),
        "precision": lambda: check_precision(scorer, config),
    }
    if photos is not None:
        checks["photos"] = lambda: check_photos(scorer, config, photos)
    return findings + [run_check(name, check) for name, check in checks.items()]


def check_weights(classifier: Classifier) -> Found:
    """Count the weights; loading has refused missing and unexpected ones."""
    values = sum(value.numel() for value in classifier.network.state_dict().values())
    channels, height, width = classifier.shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-plane")
    names = list(classifier.classes[:_SHOWN])
    facts = {"classes": len(classifier.classes), "values": values, "fingerprint": classifier.fingerprint()}
    facts |= {"first_classes": names, "outputs": list(classifier.outputs), "opaque": classifier.opaque}
    loaded = "loaded, without gradients" if classifier.opaque else f"all of its {values:,} values loaded"
    detail = (
        f"{classifier.name}: {loaded}, {len(classifier.classes)} classes ({', '.join(names)}, …), "
        f"answers {' and '.join(dict.fromkeys(classifier.outputs))}, "
        f"{kind} images of {height}x{width}, fingerprint {facts['fingerprint'][:12]}…"
    )
    return detail, facts | classifier.input_contract()


def check_input(classifier: Classifier, config: ClassifierConfig) -> Found:
    """The range of the network's input; for torchvision's, that preparation equals torchvision's own transform."""
    shape = (2, classifier.channels, 1, 1)
    extremes = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(shape).to(classifier.mean)
    low, high = (bound.item() for bound in classifier.normalise(extremes).aminmax())
    facts: dict[str, Any] = {"lowest": low, "highest": high}
    detail = f"images in [0, 1] reach the network in [{low:.3f}, {high:.3f}]"
    if published := _published(config):
        photo = _photograph()
        expected = published.transforms()(photo)
        prepared = classifier.preparation(photo, classifier.shape[1:], classifier.channels)
        found = classifier.normalise(torch.from_numpy(prepared)[None].to(classifier.mean) / 255)[0].cpu()
        error = float((found - expected).abs().max())
        facts["error"] = error
        if error > 1e-4:
            raise Problem(f"{detail}, up to {error:.3g} off torchvision's own preprocessing; report this as a bug")
        detail += ", the same as by torchvision's own preprocessing"
    return detail, facts


def check_scores(scorer: Scorer) -> Found:
    """The preflight of a run, see :mod:`evo_fool.classifiers.preflight`."""
    found = preflight(scorer)
    return str(found), asdict(found)


def check_precision(scorer: Scorer, config: ClassifierConfig) -> Found:
    """How long a forward pass takes in each precision, and which of them ``scoring.precision=auto`` takes."""
    times = time_precisions(scorer.classifier, scorer.batch, scorer.device)
    if not times:
        raise Problem("no forward pass succeeded; see the other checks")
    measures = measures_precision(config, scorer.classifier)
    chosen = choose_precision(times if measures else {})
    why = "" if measures else " (measured only for torchvision's networks of large images)"
    listed = ", ".join(f"{name} {spent:.2f}" for name, spent in times.items())
    return f"{listed} ms an image; auto takes {chosen}{why}", {"milliseconds": times, "auto": chosen}


def check_photos(scorer: Scorer, config: ClassifierConfig, folder: Path) -> Found:
    """Accuracy on photographs; no better than guessing is a failure."""
    accuracy = measure_accuracy(scorer, folder)
    facts: dict[str, Any] = {
        "photos": accuracy.photos,
        "top1": accuracy.top1,
        "top5": accuracy.top5,
        "unreadable": accuracy.unreadable,
        "unknown_folders": accuracy.unknown,
    }
    detail = f"top-1 {accuracy.top1:.1%}, top-5 {accuracy.top5:.1%} of {accuracy.photos} photographs"
    published = _published(config)
    if published and (metrics := published.meta.get("_metrics", {}).get("ImageNet-1K")):
        facts |= {"published_top1": metrics["acc@1"] / 100, "published_top5": metrics["acc@5"] / 100}
        top1, top5 = facts["published_top1"], facts["published_top5"]
        detail += f" (published: {top1:.1%} and {top5:.1%} on ImageNet's validation set)"
    for names, what in ((accuracy.unreadable, "files do not load"), (accuracy.unknown, "folders name no class")):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            detail += f"; {len(names)} {what}: {', '.join(names[:_SHOWN])}{more}"
    if accuracy.photos >= _ENOUGH and not accuracy.better_than_guessing(len(scorer.classifier.classes)):
        raise Problem(f"{detail}: no better than guessing; check the weights, the normalisation and the folders' names")
    return detail, facts


def _published(config: ClassifierConfig) -> Any:
    """torchvision's entry for the weights of one of its networks; None for any other classifier."""
    spec = ClassifierSpec.of(config)
    return published_weights(spec.target, spec.weights) if spec.kind == "torchvision" else None


def _photograph() -> Image.Image:
    """A coarse random picture that is neither square nor of any network's size."""
    coarse = stream(0, "doctor", 1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((400, 300), Image.Resampling.BICUBIC)
