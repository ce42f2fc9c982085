"""From images to log-odds: views, batches, and arithmetic that does not saturate.

The uint8 image that is stored is scored. The network computes in float32; log p / (1 - p) is then taken in
float64 from the logits themselves, so that it stays finite and strictly increasing where p rounds to 0 or 1. Other
arithmetic, where it is faster, only screens: it selects the images that get a float32 score.
With ten crops p is the mean of ten softmax outputs (paper, section 2.1), and so is 1 - p; likewise with random views.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.screening import input_dtype, screening_network
from evo_fool.classifiers.views import VIEWS, make_views, view_count
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError
from evo_fool.sections import VIEW
from evo_fool.shape import compact

_log = logging.getLogger(__name__)

_ROWS_SHOWN = 5
_IN_CACHE = 2**15
"""Log-odds that one thread computes at a time: 256 kB, of which some copies fit into its second cache."""

LookUp = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""See :func:`evo_fool.encodings.numeric.lookup.look_up`."""

_ABOUT_SHAPES = re.compile("shape|size|channel|dimension", re.IGNORECASE)


class Scorer:
    """Scores uint8 images by a classifier, as log-odds.

    The classifier is moved to ``device`` and, where it has convolutions, to the channels-last memory format, in which
    they run two to three times as fast.

    Args:
        classifier: the network and its input contract.
        batch: largest number of views in one forward pass; halved for good whenever memory runs out.
        view: how an image becomes the classifier's input: ``auto`` (unchanged where the sizes agree, else resized),
            ``resize`` (bilinear, antialiased), ``centre`` (the middle), ``ten-crop`` (middle, corners and their mirror
            images, probabilities averaged), ``random-N`` (as ``auto``, then in N ways of :mod:`.random_views`,
            probabilities averaged).
        device: where to compute.
        precision: ``float32``, or the arithmetic that :meth:`screen` uses, see :func:`.screening_network`.
        times: what :func:`.time_precisions` found, where the precision was chosen by it.
        seed: draws the random views.
        look_up: writes inputs straight from bytes where a view leaves images as they are; None: by torch, the same
            numbers in more passes.

    Raises:
        ConfigError: an unknown view, a batch below 1, or half precision where the classifier has its own arithmetic.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        batch: int,
        view: str,
        device: torch.device,
        precision: str = "float32",
        times: Mapping[str, float] | None = None,
        seed: int = 0,
        look_up: LookUp | None = None,
    ) -> None:
        if batch < 1:
            raise ConfigError(f"scoring.batch = {batch} must be at least 1")
        if not re.fullmatch(VIEW, view):
            raise ConfigError(f"scoring.view = {view!r} is unknown; choose one of {', '.join(VIEWS)}")
        if precision != "float32" and classifier.opaque:
            raise ConfigError(f"{classifier.name} computes in its own arithmetic; leave scoring.precision at float32")
        convolves = any(isinstance(module, nn.Conv2d) for module in classifier.modules())
        self.memory_format = torch.channels_last if convolves else torch.contiguous_format
        self.classifier = classifier.to(device)
        self.classifier.to(memory_format=self.memory_format)  # type: ignore[call-overload]  # torch's stubs omit it
        self.batch = batch
        self.view = view
        self.seed = seed
        self.device = device
        self._views = view_count(view)
        self.precision = precision
        self.times = dict(times or {})
        self._look_up = look_up
        self._tables: dict[torch.dtype, np.ndarray] = {}

    @property
    def screens(self) -> bool:
        """Whether :meth:`screen` differs from :meth:`score`."""
        return self.precision != "float32"

    @cached_property
    def network(self) -> nn.Module:
        """The network that screens, made when it is first asked for, or the only one."""
        return screening_network(self.classifier, self.precision) if self.screens else self.classifier.network

    def screen(self, images: np.ndarray | Tensor) -> np.ndarray:
        """As :meth:`score`, in the scorer's precision: it chooses candidates and is never recorded."""
        return self._score(images, self.network)

    def score(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Log-odds float64 ``(n, classes)`` of uint8 images ``(n, channels, height, width)``, an array or a tensor.

        Raises:
            ConfigError: another dtype, shape or number of channels, or images too small for their view.
            ClassifierError: the classifier fails, answers NaN or infinity (the message names the rows of the batch) or
                with another number of logits than it has classes, or runs out of memory on a single view.
        """
        return self._score(images, self.classifier.network)

    def _score(self, images: np.ndarray | Tensor, network: nn.Module) -> np.ndarray:
        self._check(images)
        if not len(images):
            return np.empty((0, len(self.classifier.classes)))
        if isinstance(images, np.ndarray):
            if not images.flags.writeable or any(stride < 0 for stride in images.strides):
                images = images.copy()
            images = torch.from_numpy(images)
        pixels = images
        # What is recorded as float32 is float32: a GPU would multiply with the ten bits of TF32 unless told otherwise.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            parts = []
            start = 0
            while start < len(pixels):
                part = self._attempt(pixels, start, network)
                if part is not None:
                    parts.append(part)
                    start += len(part)
            log_odds: np.ndarray = _joined(parts).cpu().numpy()
        return log_odds

    def _attempt(self, pixels: Tensor, start: int, network: nn.Module) -> Tensor | None:
        """Log-odds of as many images from ``start`` on as fit; None where memory ran out and the batch was halved."""
        part = pixels[start : start + max(1, self.batch // self._views)]
        try:
            logits = self._logits(part, start, network).view(len(part), self._views, self.classifier.members, -1)
            rows = len(part)
            if self.device.type == "cpu":
                rows = max(1, _IN_CACHE * torch.get_num_threads() // logits[0].numel())
            return _joined([self._log_odds(some) for some in logits.split(rows)])
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
        self._halve(len(part) * self._views)
        return None

    def _log_odds(self, logits: Tensor) -> Tensor:
        """Float64 ``(n, classes)`` of logits ``(n, views, members, classes)``."""
        log_odds = self.classifier.combined(class_log_odds(logits.to(torch.float64)))
        return log_odds[:, 0] if self._views == 1 else mean_log_odds(log_odds)

    def slopes(self, images: np.ndarray | Tensor, classes: np.ndarray) -> np.ndarray:
        """How each image's log-odds of one class change with its values in [0, 1], float32 of the images' shape.

        Args:
            images: as of :meth:`score`.
            classes: one for each image, int64 ``(n,)``.

        Raises:
            ClassifierError: the classifier has no gradient, fails, or runs out of memory on a single view.
        """
        self._check(images)
        pixels, wanted = torch.as_tensor(images), torch.as_tensor(classes, device=self.device)
        found = np.empty(tuple(pixels.shape), np.float32)
        start = 0
        while start < len(pixels):
            rows = slice(start, start + max(1, self.batch // self._views))
            try:
                found[rows] = self._slopes(pixels[rows], wanted[rows]).cpu().numpy()
                start = rows.stop
                continue
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
            self._halve(len(pixels[rows]) * self._views)
        return found

    def _slopes(self, pixels: Tensor, classes: Tensor) -> Tensor:
        classifier = self.classifier
        leaf = pixels.to(self.device).to(torch.float32).div_(255).requires_grad_()
        no_gradient = ClassifierError(
            f"classifier {classifier.name!r} has no gradient with respect to its images; "
            "evolve without it: -S search.gradient=0"
        )
        try:
            with torch.enable_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
                views = make_views(leaf, self.view, classifier.shape[1:], self.seed)
                answers = [self.forward(part, classifier.network) for part in views.split(self.batch)]
                logits = _joined(answers).view(len(pixels), self._views, classifier.members, -1).to(torch.float64)
                own = classes.view(-1, 1, 1, 1).expand(*logits.shape[:-1], 1)
                others = logits.scatter(-1, own, -torch.inf).logsumexp(dim=-1, keepdim=True)
                log_odds = classifier.combined(logits.gather(-1, own) - others)
                total = (log_odds[:, 0] if self._views == 1 else mean_log_odds(log_odds)).sum()
                slopes = torch.autograd.grad(total, leaf, allow_unused=True)[0] if total.requires_grad else None
        except Exception as error:
            if isinstance(error, EvoFoolError | MemoryError) or _out_of_memory(error):
                raise
            raise (
                no_gradient
                if "grad" in str(error)
                else ClassifierError(
                    f"classifier {classifier.name!r} failed on the way back from its answers: "
                    f"{type(error).__name__}: {first_line(error)}; evolve without it: -S search.gradient=0"
                )
            ) from error
        if slopes is None:
            raise no_gradient
        return slopes

    def inputs(self, images: np.ndarray | Tensor, network: nn.Module) -> Iterator[Tensor]:
        """What ``network`` is given for uint8 images: normalised, in its precision and layout, in sub-batches."""
        images = torch.as_tensor(images)
        if (
            self._look_up is None
            or not images.device.type == self.device.type == "cpu"
            or self.memory_format != torch.channels_last
            or self.view not in ("auto", "resize")
            or tuple(images.shape[1:]) != self.classifier.shape
            or type(self.classifier).normalise is not Classifier.normalise  # it may look at neighbouring pixels
        ):
            yield from (self.prepare(views, network) for views in self.views(images))
            return
        dtype = self._dtype(network)
        _, channels, height, width = images.shape
        for part in images.split(self.batch):
            planes = part.contiguous().view(len(part), channels, -1).numpy()
            found = torch.from_numpy(self._look_up(planes, self._table(dtype), torch.get_num_threads())).view(dtype)
            # One channel lies the same way in both layouts, and its strides say the plain one, as elsewhere.
            plain, last = (len(part), 1, height, width), (len(part), height, width, channels)
            yield found.view(plain) if channels == 1 else found.view(last).permute(0, 3, 1, 2)

    def _dtype(self, network: nn.Module) -> torch.dtype:
        return torch.float32 if network is self.classifier.network else input_dtype(self.precision)

    def _table(self, dtype: torch.dtype) -> np.ndarray:
        """The input that each byte becomes, ``(channels, 256)``: float32, or the bits of half precision as int16."""
        if dtype not in self._tables:
            levels = torch.arange(256, dtype=torch.uint8).expand(1, self.classifier.channels, 1, 256)
            table = self.classifier.normalise(levels.to(torch.float32).div_(255)).to(dtype).view(-1, 256)
            self._tables[dtype] = (table if dtype == torch.float32 else table.view(torch.int16)).numpy()
        return self._tables[dtype]

    def views(self, images: np.ndarray | Tensor) -> tuple[Tensor, ...]:
        """The views of uint8 images on the device, float32 in [0, 1], in sub-batches."""
        pixels = torch.as_tensor(images).to(self.device).to(torch.float32).div_(255)
        return make_views(pixels, self.view, self.classifier.shape[1:], self.seed).split(self.batch)

    def _logits(self, part: Tensor, start: int, network: nn.Module) -> Tensor:
        """Logits ``(images * views, members * classes)``, view by view of each image."""
        answers: list[Tensor] = []
        shape: tuple[int, ...] = (len(part), *self.classifier.shape)
        screening = network is not self.classifier.network
        try:
            for inputs in self.inputs(part, network):
                shape = tuple(inputs.shape)
                answers.append(self.classifier.ask(inputs, network))
                self._check_answer(answers[-1], len(inputs))
        except Exception as error:
            if isinstance(error, EvoFoolError | MemoryError) or _out_of_memory(error):
                raise
            how = f" in {self.precision} (try scoring.precision=float32)" if screening else ""
            hint = f"; check {self._taken}" if _ABOUT_SHAPES.search(str(error)) else ""
            raise ClassifierError(
                f"classifier {self.classifier.name!r} failed on images of shape {shape}{how}: "
                f"{type(error).__name__}: {first_line(error)}{hint}"
            ) from error
        logits = _joined(answers)
        finite = torch.isfinite(logits)
        if not finite.all():
            bad = (~finite).view(len(part), -1).any(dim=1).nonzero().flatten().add(start).tolist()
            shown = ", ".join(map(str, bad[:_ROWS_SHOWN])) + (", ..." if len(bad) > _ROWS_SHOWN else "")
            cause = "its weights or its normalisation are at fault"
            if screening:
                cause = f"it may need more than scoring.precision={self.precision}; try float32"
            raise ClassifierError(
                f"classifier {self.classifier.name!r} answered NaN or infinity for {len(bad)} image(s) of the batch "
                f"(row {shown}); {cause}"
            )
        return logits

    def forward(self, views: Tensor, network: nn.Module | None = None) -> Tensor:
        """The bare network on one chunk of float32 views in [0, 1]; by default the one that screens."""
        network = self.network if network is None else network
        return self.classifier.ask(self.prepare(views, network), network)

    def prepare(self, views: Tensor, network: nn.Module) -> Tensor:
        """The input of ``network`` for float32 views in [0, 1], in its precision and memory format.

        Normalising planes and converting first is four times as fast as normalising interleaved channels.
        """
        inputs = self.classifier.normalise(views).to(self._dtype(network))
        return inputs.contiguous(memory_format=self.memory_format)

    def _check_answer(self, answer: object, n: int) -> None:
        rows, columns = expected = (n, self.classifier.members * len(self.classifier.classes))
        match answer:
            case Tensor() if tuple(answer.shape) == expected and not answer.is_complex():
                return
            case Tensor() if answer.is_complex():
                found, hint = str(answer.dtype), "; answer real numbers"
            case Tensor():
                found = str(tuple(answer.shape))
                wrong_classes = answer.ndim == 2 and len(answer) == rows and answer.shape[1] != columns
                hint = "; check classes= and the last layer" if wrong_classes else f"; check {self._taken}"
            case tuple() | list():
                found, hint = f"a {type(answer).__name__} of {len(answer)}", "; return the logits alone"
            case _:
                found, hint = type(answer).__name__, "; return a tensor"
        raise ClassifierError(
            f"classifier {self.classifier.name!r} answered {found}; "
            f"expected logits {expected}: one a class for each image{hint}"
        )

    @property
    def _taken(self) -> str:
        """What the classifier is said to take, for messages."""
        return f"size={compact(*self.classifier.shape[1:])} and channels={self.classifier.channels}"

    def _halve(self, views: int) -> None:
        used = min(self.batch, views)
        if used <= 1:
            raise ClassifierError(
                f"classifier {self.classifier.name!r} runs out of memory on a single view on {self.device}; "
                "use a smaller network or another device"
            )
        self.batch = used // 2
        _log.warning("out of memory with %d views in one pass on %s; going on with %d", used, self.device, self.batch)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _check(self, images: np.ndarray | Tensor) -> None:
        array = isinstance(images, np.ndarray | Tensor)
        if not array or images.dtype not in (np.uint8, torch.uint8) or images.ndim != 4:
            found = f"{images.dtype} {tuple(images.shape)}" if array else type(images).__name__
            raise ConfigError(f"images are {found}; expected a uint8 array (n, channels, height, width)")
        if images.shape[1] != self.classifier.channels:
            raise ConfigError(
                f"images have {images.shape[1]} channel(s), classifier {self.classifier.name!r} takes "
                f"{self.classifier.channels}; choose the encoding's colour to match"
            )
        if 0 in images.shape[1:]:
            raise ConfigError(f"images of shape {images.shape} are empty")


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def class_log_odds(logits: Tensor) -> Tensor:
    """log p - log(1 - p) of the softmax over the last axis, float64 in and out; finite for all finite logits.

    With a the largest logit, b the second and S the sum of e^(l - b) over all but the largest, the largest has
    (a - b) - log S, which never forms 1 - p; any other has (l - a) - log(1 + (S - e^(l - b)) e^(b - a)).
    """
    top, index = logits.topk(2, dim=-1)
    first, second = top[..., :1], top[..., 1:]
    largest = index[..., :1]
    rest = (logits - second).exp_().scatter_(-1, largest, 0.0)
    total = rest.sum(dim=-1, keepdim=True)
    others = rest.neg_().add_(total).mul_((second - first).exp_())
    odds = (logits - first).sub_(others.log1p_())
    return odds.scatter_(-1, largest, first - second - total.log())


def mean_log_odds(log_odds: Tensor) -> Tensor:
    """Log-odds of the mean probability over views: ``(n, views, classes)`` to ``(n, classes)``, in log space.

    p and 1 - p are averaged separately: forming 1 - mean(p) would saturate.
    """
    log_complement = softplus(log_odds).neg_()
    return (log_complement + log_odds).logsumexp(dim=1) - log_complement.logsumexp(dim=1)


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) of float64, where x itself is exact above 40 (torch's threshold of 20 is meant for float32)."""
    return torch.nn.functional.softplus(x, threshold=40.0)


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("not enough memory" in text or "can't allocate memory" in text)
