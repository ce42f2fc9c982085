"""CLIP as a zero-shot classifier: names of classes in sentences become text embeddings, images are compared with them.

A class's embedding is the mean over the sentences (Radford et al. 2021, section 3.1.4), and its logit the scaled cosine
of image and text. The sentences are embedded once and kept in a cache; its file is named by a digest of all that
decides them, holds tensors only, and may be deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from evo_fool.atomic_write import write_whole
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.imagenet import imagenet_aliases
from evo_fool.classifiers.preparation import Preparation
from evo_fool.classifiers.sources.description import IMAGENET, class_names, described, imagenet_names
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.sources.torchvision import patience
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.weights_io import load_weights, read_weights
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError
from evo_fool.sections import ClassifierConfig

_TOGETHER = 256
"""Sentences in one pass of the text network."""


class ZeroShot(nn.Module):
    """Normalised images to logits: the scaled cosine of an image's embedding and each class's.

    Args:
        visual: the image network, to embeddings ``(n, width)``.
        texts: unit vectors ``(classes, width)``.
        scale: what cosines are multiplied with.
        identity: a digest of what the texts were made of. The vectors themselves are not part of the identity, for
            their last bits differ between machines.
    """

    texts: Tensor
    scale: Tensor

    def __init__(self, visual: nn.Module, texts: Tensor, scale: Tensor, identity: bytes) -> None:
        super().__init__()
        self.visual = visual
        self.register_buffer("texts", texts, persistent=False)
        self.register_buffer("scale", scale.detach().clone())
        self.register_buffer("identity", torch.frombuffer(bytearray(identity), dtype=torch.uint8))

    def forward(self, images: Tensor) -> Tensor:
        embedding = self.visual(images)
        if isinstance(embedding, tuple):  # CoCa's, whose second part are tokens
            embedding = embedding[0]
        return self.scale * F.normalize(embedding, dim=-1) @ self.texts.T


def from_open_clip(config: ClassifierConfig, device: torch.device) -> Classifier:
    """An architecture of open_clip with weights of a file or of a tag, and classes: ImageNet's unless told otherwise.

    Raises:
        ConfigError: open_clip has no such architecture or tag, or the weights do not fit.
        ClassifierError: open_clip is not installed, or weights cannot be fetched.
    """
    open_clip = import_extra("open_clip", "clip")
    spec = ClassifierSpec.of(config)
    if spec.target not in open_clip.list_models():
        raise ConfigError(f"classifier {config.spec!r}: open_clip has no such architecture, as ViT-B-32 is one")
    architecture = open_clip.get_model_config(spec.target)
    texts = architecture.get("text_cfg", {})
    if texts.get("hf_tokenizer_name") or texts.get("hf_model_name"):
        raise ConfigError(f"classifier {config.spec!r}: its text network is of the hub; take one of open_clip's own")
    model = _model(open_clip, config.spec, spec)
    told = described(config, None, ("templates", "classes"))
    if config.classes in (None, IMAGENET) and told.classes in (None, IMAGENET):
        names: list[Any] = imagenet_names()
        words, aliases = open_clip.IMAGENET_CLASSNAMES, imagenet_aliases(names)
        sentences = [template("{}") for template in open_clip.OPENAI_IMAGENET_TEMPLATES]
    else:
        names, aliases = class_names(config, told)
        words, sentences = [str(name) for name in names], ["a photo of a {}."]
    sentences = list(told.templates) or sentences
    if any(template.count("{}") != 1 for template in sentences):
        raise ConfigError("templates: each needs one {} in the place of the class, as in 'a photo of a {}.'")
    digest = hashlib.sha256(json.dumps([spec.target, list(words), sentences]).encode())
    for key, value in model.state_dict().items():
        if not key.startswith("visual."):
            digest.update(key.encode() + value.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    vectors = _cached(
        digest.hexdigest(), lambda: _embedded(open_clip, spec.target, model, words, sentences), len(words)
    )
    prepared = open_clip.get_model_preprocess_cfg(model)
    size = prepared["size"]
    height, width = (size, size) if isinstance(size, int) else size
    return Classifier(
        ZeroShot(model.visual, vectors, model.logit_scale.exp(), digest.digest()),
        classes=names,
        aliases=aliases,
        size=(height, width),
        channels=3,
        mean=prepared["mean"],
        std=prepared["std"],
        name=f"clip:{spec.target}",
        preparation=Preparation(max(height, width), prepared["interpolation"]),
    )


def _model(open_clip: Any, text: str, spec: ClassifierSpec) -> Any:
    if spec.weights is None:
        raise ConfigError(f"classifier {text!r}: say which weights, as in {text}@weights.safetensors, or a tag")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if not spec.tagged:
            model = open_clip.create_model(spec.target, load_weights=False)
            load_weights(model, read_weights(spec.weights), f"weights {spec.weights} for {text}")
            return model.eval()
        if not open_clip.get_pretrained_cfg(spec.target, spec.weights):
            known = ", ".join(open_clip.list_pretrained_tags_by_model(spec.target)) or "none"
            raise ConfigError(f"classifier {text!r}: open_clip has no weights {spec.weights!r} of it; known: {known}")
        try:
            with patience():
                return open_clip.create_model(spec.target, pretrained=spec.weights, weights_only=True).eval()
        except Exception as error:  # the hub's client, torch and open_clip raise a dozen kinds
            raise ClassifierError(
                f"classifier {text!r}: weights {spec.weights!r} are not on this machine and cannot be fetched "
                f"({type(error).__name__}: {first_line(error)[:200]}); pass a file: {text}@FILE.safetensors"
            ) from error


def _embedded(open_clip: Any, name: str, model: Any, words: Sequence[str], sentences: Sequence[str]) -> Tensor:
    """Unit vectors ``(classes, width)``: for each class the mean over its sentences."""
    tokenize = open_clip.get_tokenizer(name)
    tokens = tokenize([template.replace("{}", word) for word in words for template in sentences])
    with torch.inference_mode():
        parts = [F.normalize(model.encode_text(part), dim=-1) for part in tokens.split(_TOGETHER)]
        mean = torch.cat(parts).view(len(words), len(sentences), -1).mean(dim=1)
    return F.normalize(mean, dim=-1).clone()


def _cached(digest: str, make: Any, classes: int) -> Tensor:
    """What ``make`` returns, from the cache where it has it; a cache that cannot be used is done without."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evo-fool" / "clip"
    path = folder / f"{digest}.safetensors"
    try:
        texts = load_file(path)["texts"]
        if texts.ndim == 2 and len(texts) == classes and bool(torch.isfinite(texts).all()):
            return texts
    except (OSError, SafetensorError, KeyError):
        pass
    made: Tensor = make()
    with suppress(EvoFoolError):
        write_whole(path, save({"texts": made.contiguous()}))
    return made
