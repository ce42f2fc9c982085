"""TorchScript programs, as ``torch.jit.save`` writes them; gradients flow.

Such a file is a program, which may read and write files as any can: name only those that you trust.
"""

from __future__ import annotations

import warnings

import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.sources.description import PICTURES, described, existing_file
from evo_fool.classifiers.sources.programs import Program, archive, program_classifier
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig


def from_torchscript(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The network of a TorchScript file.

    Raises:
        ConfigError: no such file, a file of something else, or a description that does not fit.
        ClassifierError: torch refuses it, or it fails.
    """
    path = existing_file(config.spec, ClassifierSpec.of(config).target)
    if not any(name.partition("/")[2].startswith("code/") for name in archive(config.spec, path)):
        raise ConfigError(f"classifier {config.spec!r}: not what torch.jit.save writes, which holds a program")
    told = described(config, path, PICTURES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            script = torch.jit.load(path, map_location=device)
    except Exception as error:  # torch raises RuntimeError for most that can be wrong, but not for all
        raise ClassifierError(f"classifier {config.spec!r}: torch refuses it ({first_line(error)[:300]})") from None
    return program_classifier(Program(script, path), config, told, (None, None, None))
