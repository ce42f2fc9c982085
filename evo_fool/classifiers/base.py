"""The classifier: a network with its input contract and its classes.

A classifier maps float32 images ``(n, channels, height, width)`` with values in [0, 1] to logits ``(n, classes)``.
The normalisation that the network was trained with happens inside, so that no caller can forget it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from operator import index
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn

from evo_fool.classifiers.foreign import first_line, same_directory, unwrapped
from evo_fool.classifiers.opaque import FunctionNetwork, Opaque
from evo_fool.classifiers.preparation import Preparation
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.shape import Size, compact

Output = Literal["logits", "probabilities"]
"""What a network returns."""


class Classifier(nn.Module):
    """A network from images to logits, with its input contract and the names of its classes.

    The network sees ``(images * scale - mean) / std``. It is put in eval mode for good and its parameters are frozen;
    gradients with respect to the images still flow.

    Args:
        network: any module from float32 ``(n, *shape)`` to logits ``(n, len(classes))``: a tensor, or an object,
            mapping, tuple or list that holds it, see :func:`.unwrapped`. Or any function from bytes, uint8
            ``(n, height, width, channels)``, to ``(n, len(classes))``; it has no gradients.
        classes: one distinct, non-empty name a logit, in order; at least two. Integers become text.
        size: height and width in pixels of the images it takes; one number for a square.
        channels: 1 (grey), 3 (RGB), or any other number of planes.
        mean: subtracted after scaling, one number or one a channel.
        std: divided by, one number or one a channel.
        name: a short label, e.g. the spec it was built from.
        scale: multiplied with images in [0, 1] first; 255 for a network that was trained on bytes.
        aliases: other names of each class, such as ids and synonyms, by which it is found too; empty for none.
        preparation: how a photograph becomes an input; None: shorter side resized to ``size``, middle cropped.
        output: what the network returns. ``probabilities``, of a network that ends in softmax, are taken as log p.
            They are as exact as float32: log-odds of a class stop growing at about 100, where the probabilities of
            all others have become 0.

    Raises:
        ConfigError: a bad value among these.
    """

    mean: Tensor
    std: Tensor
    members: int = 1
    """Number of networks whose logits are returned side by side; see :class:`.Ensemble`."""

    def __init__(
        self,
        network: nn.Module | Callable[[Any], Any],
        *,
        classes: Sequence[str | int],
        size: Size,
        channels: int,
        mean: Sequence[float] | float = 0.0,
        std: Sequence[float] | float = 1.0,
        name: str,
        scale: float = 1.0,
        aliases: Sequence[Sequence[str]] = (),
        preparation: Preparation | None = None,
        output: Output = "logits",
    ) -> None:
        super().__init__()
        if not _is_text(name):
            raise ConfigError(f"classifier name = {name!r} must be text that UTF-8 can write, and not empty")
        if not isinstance(network, nn.Module) and callable(network):
            network = FunctionNetwork(network)
        if not isinstance(network, nn.Module):
            raise ConfigError(
                f"classifier {name!r}: network is {type(network).__name__}; it must be a torch.nn.Module or a function"
            )
        both = tuple(size) if isinstance(size, tuple | list) else (size, size)
        if len(both) != 2 or any(type(side) is not int or side < 1 for side in both):
            raise ConfigError(
                f"classifier {name!r}: size = {size!r} must be a whole number of pixels, at least 1, or (height, width)"
            )
        if type(channels) is not int or channels < 1:
            raise ConfigError(
                f"classifier {name!r}: channels = {channels!r} must be 1 (grey), 3 (RGB) or another number of planes"
            )
        if not (math.isfinite(scale) and scale > 0):
            raise ConfigError(f"classifier {name!r}: scale = {scale!r} must be a positive number")
        if output not in get_args(Output):
            raise ConfigError(f"classifier {name!r}: output = {output!r} must be 'logits' or 'probabilities'")
        self.name = _checked_name(name)
        self.classes = _checked_classes(classes, name)
        self.aliases = _checked_aliases(aliases, len(self.classes), name)
        self.shape = (channels, *both)
        """Channels, height and width."""
        self.size = max(both)
        """The longer side."""
        self.preparation = Preparation(self.size) if preparation is None else preparation
        if self.preparation.resize < self.size:
            raise ConfigError(
                f"classifier {name!r}: preparation.resize = {self.preparation.resize} leaves less than "
                f"size = {self.size}"
            )
        self.channels = channels
        self.scale = float(scale)
        self.output = output
        self.network = network
        means, stds = _per_channel(mean, channels, "mean", name), _per_channel(std, channels, "std", name)
        if any(s <= 0 for s in stds):
            raise ConfigError(f"classifier {name!r}: std = {std!r} must be positive in every channel")
        self.register_buffer("mean", torch.tensor(means, dtype=torch.float32).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(stds, dtype=torch.float32).view(-1, 1, 1), persistent=False)
        self._steps = (self.scale != 1.0, any(m != 0 for m in means), any(s != 1 for s in stds))
        if isinstance(network, FunctionNetwork) and any(self._steps):
            raise ConfigError(f"classifier {name!r}: a function gets bytes as they are; leave out scale, mean and std")
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(n, classes)`` of float32 images ``(n, channels, height, width)`` in [0, 1].

        Raises:
            ConfigError: another shape, or values that are not floats in [0, 1].
        """
        self._check(images)
        return self.logits(images)

    def logits(self, images: Tensor) -> Tensor:
        """As :meth:`forward` without its checks."""
        return self.ask(self.normalise(images))

    def ask(self, inputs: Tensor, network: nn.Module | None = None) -> Tensor:
        """The logits of ``network``, or of the classifier's own, for normalised inputs; the output is not checked.

        Raises:
            ClassifierError: the network tries to leave the program. An ordinary exception passes as it is.
        """
        try:
            with same_directory():
                answer = unwrapped((self.network if network is None else network)(inputs))
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # such as SystemExit, by which a run would end as if all were well
            raise ClassifierError(
                f"classifier {self.name!r} tried to end the program in its forward pass "
                f"({type(error).__name__}: {first_line(error)}); take that out of the network"
            ) from error
        if self.output == "probabilities" and isinstance(answer, Tensor):
            answer = _log(answer)
        return answer  # type: ignore[return-value]  # the scorer checks that it is a tensor

    def combined(self, log_odds: Tensor) -> Tensor:
        """The log-odds ``(…, classes)`` of the whole, from those of its members ``(…, members, classes)``."""
        return log_odds[..., 0, :]

    def normalise(self, images: Tensor) -> Tensor:
        """The network's input for images in [0, 1]: scaled, shifted and divided as it was trained."""
        scaled, shifted, divided = self._steps
        given = images
        if scaled:
            images = images * self.scale
        if shifted:
            images = images - self.mean
        if divided:  # in place once the tensor is ours: a fresh one of this size costs more than the division
            images = images / self.std if images is given else images.div_(self.std)
        return images

    @property
    def opaque(self) -> bool:
        """Whether torch cannot look into it: no gradients, no other arithmetic than its own."""
        return any(isinstance(module, Opaque) for module in self.modules())

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What each of the :attr:`members` returns."""
        return (self.output,)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode: scores must not change while a run goes."""
        return super().train(False)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of what decides a score: the network's state, the input contract and the classes.

        Independent of device and memory format. The code of the network is not part of it. An :class:`.Opaque` network
        is known by what it says it is, or else by its answers to sixteen images, see :mod:`.answers`.
        """
        digest = hashlib.sha256()
        digest.update(json.dumps({"classes": self.classes, **self.input_contract()}, sort_keys=True).encode())
        for key, value in sorted(self.network.state_dict().items()):
            digest.update(json.dumps([key, str(value.dtype), list(value.shape)]).encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        for module in self.network.modules():
            if isinstance(module, Opaque):
                from evo_fool.classifiers.answers import answers_of  # which scores, and so needs this file

                module.identity = module.identity or answers_of(self)
                digest.update(module.identity.encode())
        return digest.hexdigest()

    def input_contract(self) -> dict[str, Any]:
        """Size, channels (3: RGB), scale, mean and std, JSON-able.

        ``output`` is part of it only where it is not logits, so that older fingerprints stay as they are.
        """
        output = {} if self.output == "logits" else {"output": self.output}
        return output | {
            "size": compact(*self.shape[1:]),
            "channels": self.channels,
            "scale": self.scale,
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
        }

    def as_foolbox(self) -> Any:
        """This classifier as a ``foolbox.PyTorchModel`` with bounds (0, 1), on its own device.

        Raises:
            ClassifierError: foolbox is not installed.
        """
        try:
            import foolbox
        except ImportError:
            raise ClassifierError("as_foolbox() needs the foolbox package; install it: pip install foolbox") from None
        return foolbox.PyTorchModel(self, bounds=(0, 1), device=self.mean.device)

    def extra_repr(self) -> str:
        size = compact(*self.shape[1:])
        return f"name={self.name!r}, classes={len(self.classes)}, size={size}, channels={self.channels}"

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or tuple(images.shape[1:]) != self.shape:
            raise ConfigError(
                f"classifier {self.name!r}: images of shape {tuple(images.shape)}; "
                f"expected (n, {', '.join(map(str, self.shape))})"
            )
        if not images.is_floating_point():
            raise ConfigError(f"classifier {self.name!r}: images are {images.dtype}; divide bytes by 255 to get [0, 1]")
        if not images.shape[0]:
            return
        low, high = (bound.item() for bound in images.detach().aminmax())
        if not (low >= 0.0 and high <= 1.0):  # also true of NaN
            raise ConfigError(
                f"classifier {self.name!r}: image values span [{low:.6g}, {high:.6g}]; they must lie in [0, 1] "
                "(the classifier normalises by itself)"
            )


def _log(probabilities: Tensor) -> Tensor:
    """log p in float64, where p is at least the smallest positive float32, so that log 0 does not occur."""
    return probabilities.to(torch.float64).clamp_min(2.0**-149).log()


def _checked_name(name: str, owner: str = "") -> str:
    """Refuse a name that UTF-8 cannot encode: it could not be stored."""
    try:
        name.encode()
    except UnicodeEncodeError:
        whose = f"classifier {owner!r}" if owner else "classifier"
        raise ConfigError(
            f"{whose}: the name {name!r} has half a surrogate pair, which is no character; decode it as UTF-8"
        ) from None
    return name


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _checked_classes(given: Sequence[str | int], name: str) -> tuple[str, ...]:
    classes = [] if isinstance(given, str) else [_class_name(c) for c in given]
    if isinstance(given, str) or not all(map(_is_text, classes)):
        raise ConfigError(f"classifier {name!r}: classes must be a list of non-empty names, one a logit")
    for each in classes:
        _checked_name(each, name)
    repeated = [c for c, count in Counter(classes).items() if count > 1]
    if repeated:
        raise ConfigError(
            f"classifier {name!r}: class name {repeated[0]!r} occurs more than once; names must be distinct"
        )
    if len(classes) < 2:
        raise ConfigError(f"classifier {name!r}: {len(classes)} class(es); at least two are needed to compare")
    return tuple(classes)


def _class_name(given: Any) -> Any:
    """An integer of Python or numpy as text; anything else unchanged."""
    return str(index(given)) if hasattr(given, "__index__") and not isinstance(given, bool) else given


def _checked_aliases(aliases: Sequence[Sequence[str]], n: int, name: str) -> tuple[tuple[str, ...], ...]:
    lists = [[others] if isinstance(others, str) else list(others) for others in aliases] or [[]] * n
    if len(lists) != n or not all(_is_text(a) for others in lists for a in others):
        raise ConfigError(f"classifier {name!r}: aliases must be one list of non-empty names for each of {n} classes")
    for alias in (a for others in lists for a in others):
        _checked_name(alias, name)
    return tuple(map(tuple, lists))


def _per_channel(value: Sequence[float] | float, channels: int, what: str, name: str) -> list[float]:
    values = [float(value)] * channels if isinstance(value, int | float) else [float(v) for v in value]
    if len(values) != channels or not all(map(math.isfinite, values)):
        raise ConfigError(
            f"classifier {name!r}: {what} = {value!r} must be one finite number, or one for each of {channels} channels"
        )
    return values
