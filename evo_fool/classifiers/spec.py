"""Where a classifier comes from, as one line of text: the ``classifier.spec`` of an experiment.

========================  =============================================================================
``lenet-mnist``           the LeNet of the paper, shipped with the package
``vae-mnist``             a generative classifier of digits; its weights are trained by ``evo-fool train vae``
``torchvision:NAME``      an ImageNet network of torchvision
``timm:NAME``             a network of timm; ``timm:NAME@PATH``: with weights of a file
``hf:FOLDER``             a transformers image classifier: a folder, or a name on the Hugging Face hub
``clip:ARCH@WEIGHTS``     open_clip, zero-shot; WEIGHTS: a file, or the tag of published ones
``onnx:FILE``             an ONNX network, run by onnxruntime
``exported:FILE``         what ``torch.export.save`` wrote
``torchscript:FILE``      what ``torch.jit.save`` wrote
``http:URL``              a server that answers images with scores
``callable:PACKAGE:NAME`` the function NAME of a module or a Python file, from images to scores
``plugin:NAME``, NAME     a classifier of an installed package: an entry point of the group ``evo_fool.classifiers``
``import:PACKAGE:NAME``   what the function NAME of an importable module returns
``path/to/file.py:NAME``  what the function NAME of a Python file returns
``ensemble:WAY:A+B``      several of these as one; WAY: ``mean`` or ``minimum``; ``SPEC@PATH``: a member with weights
``guarded:FILE:SPEC``     one of these behind the detector in FILE, which ends in ``.safetensors``
``object:NAME``           a Python object that was passed to ``evolve``; it has to be passed again
========================  =============================================================================

Parsing looks at the text alone: it imports nothing and reads no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from evo_fool.errors import ConfigError
from evo_fool.sections import ClassifierConfig

BUILT_IN = ("lenet-mnist", "vae-mnist")
FILES = ("onnx", "exported", "torchscript")
"""Kinds whose target is a file that holds the whole network."""
WAYS = ("mean", "minimum")
"""How an ensemble combines its members' log-odds."""
Detecting = Literal["msp", "maxlogit", "energy", "entropy", "odin", "mahalanobis", "knn", "vim", "vae"]
DETECTORS: tuple[Detecting, ...] = get_args(Detecting)
"""Detectors that a classifier can be guarded by, see :mod:`.detectors`."""

_COMBINED = ("ensemble", "guarded")
_CODE = ("import", "file", "callable", "exported", "torchscript")

_GUARDED = "expected guarded:FILE.safetensors:SPEC, with a FILE by evo-fool train detector and SPEC of one network"
_FORM = "expected ensemble:mean:SPEC+SPEC or ensemble:minimum:SPEC+SPEC, with SPEC@PATH for weights from a file"


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """A parsed spec; ``str`` gives the text back.

    Attributes:
        kind: what comes before the colon, or ``lenet-mnist``, ``vae-mnist``, ``file`` (Python), or ``unknown``, which
            no classifier can be loaded from.
        target: the network, plugin, module, file or URL, an ensemble's way, or the file of a detector; empty for a
            built-in classifier.
        function: what a module or a file calls to build it, or what scores.
        weights: the path of a weights file, for ``clip`` also a tag; None: the spec's own.
        ensembled: the members of an ensemble, or the one that is guarded.

    Raises:
        ConfigError: members whose texts or paths contain + or @, which the spec of an ensemble cannot express.
    """

    kind: str
    target: str = ""
    function: str = ""
    weights: str | None = None
    ensembled: tuple[ClassifierSpec, ...] = ()

    def __post_init__(self) -> None:
        for member in self.ensembled if self.kind == "ensemble" else ():
            if any(sign in text for sign in "+@" for text in (str(member), member.weights or "")):
                raise ConfigError(f"ensemble member {str(member)!r}, {member.weights!r}: rename it without + and @")

    @classmethod
    def parse(cls, text: str, weights: str | None = None) -> ClassifierSpec:
        """The spec that ``text`` writes.

        >>> ClassifierSpec.parse("nets/mine.py:build")
        ClassifierSpec(kind='file', target='nets/mine.py', function='build', weights=None, ensembled=())
        >>> [member.weights for member in ClassifierSpec.parse("ensemble:mean:lenet-mnist+lenet-mnist@a.pt").members]
        [None, 'a.pt']

        Raises:
            ConfigError: a malformed import, file, ensemble or guarded classifier, or weights for an ensemble.
        """
        kind, colon, rest = text.partition(":")
        if text in BUILT_IN:
            return cls(text, weights=weights)
        if kind == "ensemble" and colon:
            if weights is not None:
                raise ConfigError(f"classifier {text!r}: weights belong to its members; write SPEC@{weights}")
            return cls._ensemble(text, rest)
        if kind == "guarded" and colon:
            file, suffix, inner = rest.partition(".safetensors:")
            if not file or not inner:
                raise ConfigError(f"classifier {text!r}: {_GUARDED}")
            guarded = cls.parse(inner, weights)
            if guarded.kind in _COMBINED:
                raise ConfigError(f"classifier {text!r}: {_GUARDED}")
            return cls("guarded", file + suffix[:-1], weights=guarded.weights, ensembled=(guarded,))
        if kind in ("torchvision", "plugin", "object", "hf") and colon:
            return cls(kind, rest, weights=weights)
        if kind in ("timm", "clip") and colon:
            name, at, own = rest.partition("@")
            if at and weights is not None:
                raise ConfigError(f"classifier {text!r} has weights in its spec; leave {weights} out")
            return cls(kind, name, weights=own or weights)
        if (kind in (*FILES, "callable", "http") and colon) or text.startswith("https://"):
            if weights is not None:
                raise ConfigError(f"classifier {text!r} takes no weights, it has its own; leave {weights} out")
            return cls._whole(text, kind, rest)
        if kind == "import" and colon:
            module, _, function = rest.partition(":")
            if not all(part.isidentifier() for part in module.split(".")) or not function.isidentifier():
                raise ConfigError(f"classifier {text!r}: expected import:package.module:function")
            return cls("import", module, function, weights)
        if text.endswith(".py") or ".py:" in text:
            file, _, function = text.rpartition(":")
            if not file.endswith(".py") or not function.isidentifier():
                raise ConfigError(
                    f"classifier {text!r}: say which function of the file builds it, as in my_network.py:build"
                )
            return cls("file", file, function, weights)
        return cls("plugin" if re.fullmatch(r"[\w.-]+", text) else "unknown", text, weights=weights)

    @classmethod
    def parse_with_weights(cls, text: str) -> ClassifierSpec:
        """``SPEC`` or ``SPEC@WEIGHTS``; the members of an ensemble have their weights in its spec.

        Raises:
            ConfigError: as :meth:`parse`.
        """
        if text.startswith("ensemble:"):
            return cls.parse(text)
        spec, _, weights = text.partition("@")
        return cls.parse(spec, weights or None)

    @classmethod
    def of(cls, config: ClassifierConfig) -> ClassifierSpec:
        """The spec and the weights of an experiment's ``classifier`` section.

        Raises:
            ConfigError: as :meth:`parse`.
        """
        return cls.parse(config.spec, config.weights)

    @classmethod
    def _whole(cls, text: str, kind: str, rest: str) -> ClassifierSpec:
        """A file, a function or a server that needs no weights."""
        if kind in FILES:
            return cls(kind, rest)
        if kind == "callable":
            named = cls.parse(rest if ".py" in rest else f"import:{rest}")
            if named.kind not in ("import", "file"):
                raise ConfigError(f"classifier {text!r}: expected callable:package.module:function or FILE.py:function")
            return cls("callable", named.target, named.function)
        url = text if rest.startswith("//") else rest
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or not url.isprintable():
            raise ConfigError(f"classifier {text!r}: expected http:URL, as in http:http://127.0.0.1:8000/")
        if parts.username is not None:
            raise ConfigError("classifier http: the URL has a user's name or password, which the run would record")
        return cls("http", url)

    @classmethod
    def _ensemble(cls, text: str, rest: str) -> ClassifierSpec:
        way, _, listed = rest.partition(":")
        pairs = [member.strip().partition("@") for member in listed.split("+")]
        if way not in WAYS or len(pairs) < 2 or not all(name and (path or not at) for name, at, path in pairs):
            raise ConfigError(f"classifier {text!r}: {_FORM}")
        members = [cls.parse(name, path or None) for name, _, path in pairs]
        if combined := next((member.kind for member in members if member.kind in _COMBINED), ""):
            what = "an ensemble" if combined == "ensemble" else "a guarded classifier"
            raise ConfigError(f"classifier {text!r}: {what} cannot be a member of another")
        return cls("ensemble", way, ensembled=tuple(members))

    def __str__(self) -> str:
        if self.kind in BUILT_IN:
            return self.kind
        if self.kind == "ensemble":
            listed = (f"{m}@{m.weights}" if m.weights is not None else str(m) for m in self.ensembled)
            return f"ensemble:{self.target}:{'+'.join(listed)}"
        if self.kind == "guarded":
            return f"guarded:{self.target}:{self.ensembled[0]}"
        prefix = "" if self.kind in ("file", "unknown") else f"{self.kind}:"
        return f"{prefix}{self.target}" + (f":{self.function}" if self.function else "")

    @property
    def members(self) -> tuple[ClassifierSpec, ...]:
        """The members of an ensemble; what is guarded; of any other spec itself alone."""
        return self.ensembled or (self,)

    @property
    def executes_code(self) -> bool:
        """Whether loading executes code that the spec names: a Python file, an importable module, or a torch program,
        which may do whatever torch can.

        A plugin does not count: it was installed to be a classifier, as torchvision was.
        """
        return any(member.kind in _CODE for member in self.members)

    @property
    def connects(self) -> bool:
        """Whether loading or scoring may make a connection to where the spec says."""
        return any(member._elsewhere for member in self.members)

    @property
    def hazard(self) -> str:
        """Why a recorded spec is not loaded on the record's word alone; empty where it is.

        >>> [ClassifierSpec.parse(text).hazard for text in ("lenet-mnist", "nets.py:build", "http://10.0.0.1/")]
        ['', 'is code', 'is reached over the network']
        """
        return "is code" if self.executes_code else "is reached over the network" if self.connects else ""

    @property
    def tagged(self) -> bool:
        """Whether the weights are those that open_clip publishes under a tag, not a file."""
        return self.kind == "clip" and self.weights is not None and re.fullmatch(r"\w+", self.weights) is not None

    @property
    def _elsewhere(self) -> bool:
        match self.kind:
            case "http":
                return True
            case "hf":
                return not self.target.startswith(("/", ".", "~"))
            case "timm":
                return self.weights is None
            case _:
                return self.tagged

    def absolute(self) -> ClassifierSpec:
        """The same with absolute paths, so that it means the same in every directory."""
        path = Path(self.target).expanduser() if self.kind == "hf" else Path(self.target)
        is_path = self.kind in ("file", "guarded", *FILES) or (self.kind == "callable" and self.target.endswith(".py"))
        is_path |= self.kind == "hf" and path.is_dir()  # or else a name on the hub
        weights = self.weights if self.weights is None or self.tagged else str(Path(self.weights).absolute())
        members = tuple(member.absolute() for member in self.ensembled)
        return replace(
            self,
            target=str(path.absolute()) if is_path else self.target,
            weights=members[0].weights if self.kind == "guarded" else weights,
            ensembled=members,
        )

    def config(self) -> ClassifierConfig:
        """The ``classifier`` section of an experiment that names it."""
        return ClassifierConfig(spec=str(self), weights=self.weights)
