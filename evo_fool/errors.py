"""Every error a user can cause, with the exit code that the command line gives it.

One root, so that a program that embeds evo-fool catches one type. A message is one line that names the offending
value and the remedy; the command line prints it without a traceback.
"""


class EvoFoolError(Exception):
    """Root of all errors that evo-fool raises on purpose (exit code 1)."""

    exit_code = 1


class ConfigError(EvoFoolError, ValueError):
    """An experiment, an option or a value that cannot be used (exit code 2)."""

    exit_code = 2


class RunNotFoundError(EvoFoolError, LookupError):
    """No run answers to the path, name or id that was given (exit code 3)."""

    exit_code = 3


class RunLockedError(EvoFoolError):
    """Another process is writing to the run directory (exit code 4)."""

    exit_code = 4


class CorruptRunError(EvoFoolError):
    """A run directory that is damaged, was tampered with, or was written by a newer version (exit code 5)."""

    exit_code = 5


class ClassifierError(EvoFoolError):
    """A classifier that cannot be loaded, or that answers with something that is not a score (exit code 1)."""


class GenomeError(EvoFoolError, ValueError):
    """Genome bytes that no encoding would have written (exit code 5)."""

    exit_code = 5


class UnknownClassError(ConfigError, KeyError):
    """A class that the classifier or the run does not have, or an ambiguous name (exit code 2)."""

    __str__ = Exception.__str__  # KeyError's would quote the message


class EmptyCellError(EvoFoolError, KeyError):
    """A class whose cell no image holds yet (exit code 1)."""

    __str__ = Exception.__str__


class NotKeptError(EvoFoolError, LookupError):
    """An individual whose genome and image retention has discarded, or that never was (exit code 1)."""
