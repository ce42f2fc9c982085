"""A classifier behind a detector: an image counts for a class only as far as the detector lets it pass.

The log-odds of a class are the smaller of the network's and the detector's. The detector's are a straight line through
two points of other natural images, which it was not fitted on: 0, a probability of one half, at the threshold that
95 % of them pass, and 99 % at their median. So an image with 50 % passes the detector, and one with 99 % is, to the
detector, at least as natural as the median photograph. Beyond these points the line goes on, for two reasons: shares of
natural images end where no image is left to compare with, and a search needs to feel a slope there; and log-odds on
both sides are compared, which a bounded score would cap.

A detector is a file that ``evo-fool train detector`` writes: tensors alone, with a record beside them. Nothing in
either is executed.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field, ValidationError
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier, Output
from evo_fool.classifiers.detectors import Detector
from evo_fool.classifiers.spec import Detecting
from evo_fool.classifiers.weights_io import State, read_weights, sha256
from evo_fool.errors import ConfigError
from evo_fool.sections import Section

TRUE_POSITIVES = (0.95, 0.99)
"""Shares of natural images that pass at the thresholds; the first is the guard's."""

NATURAL = "natural"
"""The tensor of a detector's file that holds how odd the held-out natural images are."""

LEAST = 20
"""Held-out natural images: with fewer, 95 % of them say nothing."""

_SURE = math.log(99.0)
"""Log-odds of the median natural image: 99 %."""

_MOST_BYTES, _MOST_RECORD = 1 << 30, 1 << 20
"""Beyond these a file is taken to be damaged."""

_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Record(Section):
    """What decides, of the record beside a detector's tensors."""

    kind: Detecting
    classifier: _Hash
    sha256: _Hash

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of it; changes with any tensor."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Calibration:
    """How odd held-out natural images are, and what follows.

    Attributes:
        natural: float64 ``(n,)``, finite.

    Raises:
        ConfigError: too few images, or the detector gives most of them one and the same number.
    """

    natural: Tensor

    def __post_init__(self) -> None:
        values = self.natural
        if (
            values.ndim != 1
            or len(values) < LEAST
            or values.dtype != torch.float64
            or not bool(values.isfinite().all())
        ):
            raise ConfigError(f"detector: needs the scores of at least {LEAST} held-out natural images; give it more")
        if not self.threshold(TRUE_POSITIVES[0]) > self.median:
            raise ConfigError("detector: most held-out natural images get one and the same score; choose another")

    def threshold(self, share: float) -> float:
        """The score that at least ``share`` of the natural images do not exceed.

        >>> Calibration(torch.arange(100, dtype=torch.float64)).threshold(0.95)
        94.0
        """
        values = self.natural.sort().values
        return float(values[math.ceil(share * len(values) - 1e-9) - 1])

    @property
    def median(self) -> float:
        """Of the natural images."""
        return float(self.natural.median())

    def log_odds(self, scores: Tensor) -> Tensor:
        """The detector's log-odds of scores: 0 at the threshold of 95 %, log 99 at the median.

        >>> natural = Calibration(torch.arange(100, dtype=torch.float64))
        >>> natural.log_odds(torch.tensor([94.0, 49.0, 139.0], dtype=torch.float64)).numpy().round(2).tolist()
        [0.0, 4.6, -4.6]
        """
        threshold = self.threshold(TRUE_POSITIVES[0])
        return (threshold - scores) * (_SURE / (threshold - self.median))


class Guarded(Classifier):
    """A classifier behind a detector that was fitted on it.

    Its network answers two rows of logits for an image: the network's, and one whose first log-odds are the detector's.
    torch cannot look into it: there are gradients for the network alone.

    Args:
        guarded: the classifier.
        detector: fitted on it.
        calibration: of the detector.
        digest: of the detector's file.
    """

    members = 2

    def __init__(self, guarded: Classifier, detector: Detector, calibration: Calibration, digest: str) -> None:
        super().__init__(
            _Guard(guarded, detector, calibration),
            classes=guarded.classes,
            size=guarded.shape[1:],
            channels=guarded.channels,
            name=f"guarded:{detector.kind}({guarded.name})",
            aliases=guarded.aliases,
            preparation=guarded.preparation,
        )
        self.guarded, self.detector, self.calibration, self.digest = guarded, detector, calibration, digest

    @property
    def opaque(self) -> bool:
        return True

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (self.guarded.output, "logits")

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """The network's log-probabilities, none above that of passing the detector, for programs that want a row."""
        answers = self.network(self.normalise(images)).view(len(images), 2, -1)
        passing = answers[:, 1, :1] - math.log(len(self.classes) - 1)
        return torch.minimum(F.log_softmax(answers[:, 0], dim=-1), F.logsigmoid(passing))

    def combined(self, log_odds: Tensor) -> Tensor:
        return torch.minimum(log_odds[..., 0, :], log_odds[..., 1, :1])

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the digest of the detector's file and of the network's fingerprint."""
        return hashlib.sha256(json.dumps(["guarded", self.digest, self.guarded.fingerprint()]).encode()).hexdigest()


class _Guard(nn.Module):
    """``(n, channels, height, width)`` in [0, 1] to float64 ``(n, 2 * classes)``.

    The second row is m + log(classes - 1), then zeros: logits whose softmax gives the first class log-odds of m.
    """

    def __init__(self, guarded: Classifier, detector: Detector, calibration: Calibration) -> None:
        super().__init__()
        self.guarded = guarded
        self.detector, self.calibration = detector, calibration

    def forward(self, images: Tensor) -> Tensor:
        logits, scores = self.detector(images)
        passing = torch.zeros_like(logits, dtype=torch.float64)
        passing[:, 0] = self.calibration.log_odds(scores) + math.log(logits.shape[1] - 1)
        return torch.cat([logits.to(torch.float64), passing], dim=1)


def guarded_classifier(file: str, guarded: Classifier) -> Guarded:
    """A classifier behind the detector of a file.

    Raises:
        ConfigError: no such file, a damaged one, or one that was fitted on another network.
        ClassifierError: pytorch-ood is not installed.
    """
    record, tensors = read_detector(Path(file))
    if record.classifier != guarded.fingerprint():
        raise ConfigError(f"detector {file} was fitted on another network than {guarded.name}; fit one on it")
    natural = tensors.pop(NATURAL, torch.empty(0))
    return Guarded(guarded, Detector(record.kind, guarded, tensors), Calibration(natural), record.digest)


def read_detector(path: Path) -> tuple[Record, State]:
    """The record and the tensors of a detector's file; what they mean is not checked.

    Raises:
        ConfigError: a file is missing, too large or damaged, or the two do not belong together.
    """
    beside = path.with_suffix(".json")
    for file, most in ((path, _MOST_BYTES), (beside, _MOST_RECORD)):
        if not file.is_file():
            raise ConfigError(f"detector {file}: there is no such file; fit one: evo-fool train detector")
        if file.stat().st_size > most:
            raise ConfigError(f"detector {file}: more than {most:,} bytes; fit it again on fewer images")
    try:
        told = json.loads(beside.read_bytes())
        record = Record.model_validate({key: told.get(key) for key in Record.model_fields})
    except (OSError, ValueError, AttributeError, RecursionError, ValidationError):
        raise ConfigError(f"detector {beside}: not the record of a detector; fit it again") from None
    tensors = read_weights(path)
    if sha256(path) != record.sha256:
        raise ConfigError(f"detector {path}: its SHA-256 is not that of its record; restore the file or fit it again")
    return record, tensors
