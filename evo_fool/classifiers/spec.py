"""Where a classifier comes from, as one line of text: the ``classifier.spec`` of an experiment.

========================  =============================================================================
``lenet-mnist``           the LeNet of the paper, shipped with the package
``vae-mnist``             a generative classifier of digits; its weights are trained by ``evo-fool train vae``
``torchvision:NAME``      an ImageNet network of torchvision
``plugin:NAME``, NAME     a classifier of an installed package: an entry point of the group ``evo_fool.classifiers``
``import:PACKAGE:NAME``   what the function NAME of an importable module returns
``path/to/file.py:NAME``  what the function NAME of a Python file returns
``ensemble:WAY:A+B``      several of these as one; WAY: ``mean`` or ``minimum``; ``SPEC@PATH``: a member with weights
``object:NAME``           a Python object that was passed to ``evolve``; it has to be passed again
========================  =============================================================================

Parsing looks at the text alone: it imports nothing and reads no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from evo_fool.errors import ConfigError
from evo_fool.sections import ClassifierConfig

BUILT_IN = ("lenet-mnist", "vae-mnist")
WAYS = ("mean", "minimum")
"""How an ensemble combines its members' log-odds."""

_FORM = "expected ensemble:mean:SPEC+SPEC or ensemble:minimum:SPEC+SPEC, with SPEC@PATH for weights from a file"


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """A parsed spec; ``str`` gives the text back.

    Attributes:
        kind: ``lenet-mnist``, ``vae-mnist``, ``torchvision``, ``plugin``, ``import``, ``file``, ``ensemble``,
            ``object``, or ``unknown``, which no classifier can be loaded from.
        target: the network, plugin, module or file, or an ensemble's way; empty for a built-in classifier.
        function: what a module or a file calls to build it.
        weights: the path of a weights file; None: the spec's own.
        ensembled: the members of an ensemble.

    Raises:
        ConfigError: members whose texts or paths contain + or @, which the spec of an ensemble cannot express.
    """

    kind: str
    target: str = ""
    function: str = ""
    weights: str | None = None
    ensembled: tuple[ClassifierSpec, ...] = ()

    def __post_init__(self) -> None:
        for member in self.ensembled:
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
            ConfigError: a malformed import, file or ensemble, or weights for an ensemble.
        """
        kind, colon, rest = text.partition(":")
        if text in BUILT_IN:
            return cls(text, weights=weights)
        if kind == "ensemble" and colon:
            if weights is not None:
                raise ConfigError(f"classifier {text!r}: weights belong to its members; write SPEC@{weights}")
            return cls._ensemble(text, rest)
        if kind in ("torchvision", "plugin", "object") and colon:
            return cls(kind, rest, weights=weights)
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
    def _ensemble(cls, text: str, rest: str) -> ClassifierSpec:
        way, _, listed = rest.partition(":")
        pairs = [member.strip().partition("@") for member in listed.split("+")]
        if way not in WAYS or len(pairs) < 2 or not all(name and (path or not at) for name, at, path in pairs):
            raise ConfigError(f"classifier {text!r}: {_FORM}")
        members = [cls.parse(name, path or None) for name, _, path in pairs]
        if any(member.kind == "ensemble" for member in members):
            raise ConfigError(f"classifier {text!r}: an ensemble cannot be a member of another")
        return cls("ensemble", way, ensembled=tuple(members))

    def __str__(self) -> str:
        if self.kind in BUILT_IN:
            return self.kind
        if self.kind == "ensemble":
            listed = (f"{m}@{m.weights}" if m.weights is not None else str(m) for m in self.ensembled)
            return f"ensemble:{self.target}:{'+'.join(listed)}"
        prefix = "" if self.kind in ("file", "unknown") else f"{self.kind}:"
        return f"{prefix}{self.target}" + (f":{self.function}" if self.function else "")

    @property
    def members(self) -> tuple[ClassifierSpec, ...]:
        """The members of an ensemble; of any other spec itself alone."""
        return self.ensembled or (self,)

    @property
    def executes_code(self) -> bool:
        """Whether loading executes code that the spec names: a file, or an importable module.

        A plugin does not count: it was installed to be a classifier, as torchvision was.
        """
        return any(member.kind in ("import", "file") for member in self.members)

    def absolute(self) -> ClassifierSpec:
        """The same with absolute paths, so that it means the same in every directory."""
        return replace(
            self,
            target=str(Path(self.target).absolute()) if self.kind == "file" else self.target,
            weights=None if self.weights is None else str(Path(self.weights).absolute()),
            ensembled=tuple(member.absolute() for member in self.ensembled),
        )

    def config(self) -> ClassifierConfig:
        """The ``classifier`` section of an experiment that names it."""
        return ClassifierConfig(spec=str(self), weights=self.weights)
