"""The entry point, and the one place that turns an error into a line on stderr and an exit code.

Exit codes: 0 fine, 1 failed, 2 usage or configuration, 3 no such run, 4 locked, 5 corrupt or too new,
75 stopped with a good checkpoint, 130 Ctrl-C. ``EVO_FOOL_DEBUG=1`` adds the traceback.

Nothing but the standard library's core is imported at module level, so that Ctrl-C during start-up is answered by
:func:`guarded` and not by a traceback out of an import.
"""

import os
import sys
from collections.abc import Callable, Sequence

INTERRUPTED = 130

# Before torch loads OpenMP. Its threads otherwise spin between two parallel regions, which wins some per cent on an
# idle machine and costs a factor of three as soon as anything else, our own renderer included, wants one of the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``arguments`` default to those of the process."""
    return guarded(lambda: _dispatch(list(sys.argv[1:] if arguments is None else arguments)))


def guarded(action: Callable[[], int]) -> int:
    """The exit code of ``action``; what it raises becomes one line on stderr.

    >>> def locked() -> int:
    ...     from evo_fool.errors import RunLockedError
    ...     raise RunLockedError("outputs/x is being written by process 7")
    >>> guarded(locked)
    4
    """
    try:
        code = action()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return 1  # the reader has closed the pipe, as head(1) does
    except BaseException as error:  # SystemExit too: click raises none, so it comes from a user's code
        message, code = _explain(error)
        if message:
            _say(f"error: {message}", traceback=bool(os.environ.get("EVO_FOOL_DEBUG")))
        return code
    finally:
        _settle_stdout()


def _dispatch(arguments: list[str]) -> int:
    from evo_fool.cli.verbs import application
    from evo_fool.host_memory import keep_large_blocks

    keep_large_blocks()
    with application.make_context("evo-fool", arguments) as context:
        code = application.invoke(context)
    return code if isinstance(code, int) else 0


def _explain(error: BaseException) -> tuple[str, int]:
    """The line and the exit code for an exception; no line where there is nothing wrong to report."""
    import click

    from evo_fool.errors import EvoFoolError

    match error:
        case click.exceptions.Exit():  # click's way out after --help and --version
            return "", error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return "", error.exit_code
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "evo-fool"
            return f"{error.format_message().rstrip('.')}; see {command} --help", error.exit_code
        case EvoFoolError():
            return str(error), error.exit_code
        case OSError():
            reason = error.strerror or str(error) or type(error).__name__
            return (f"{error.filename}: {reason}" if error.filename else reason), 1
        case MemoryError():
            return "out of memory; try a smaller batch, as in -S batch=50 or -S scoring.batch=64", 1
        case _:
            return f"unexpected {type(error).__name__}: {error} (EVO_FOOL_DEBUG=1 shows where)", 1


def _say(message: str, *, traceback: bool = False) -> None:
    """One line on stderr, whatever line breaks the message has."""
    try:
        if traceback:
            sys.excepthook(*sys.exc_info())
        from evo_fool.text import harmless

        print("evo-fool:", *harmless(message).split(), file=sys.stderr, flush=True)
    except (OSError, ValueError):  # ValueError: closed
        pass  # stderr is gone as well: the exit code has to say it


def _settle_stdout() -> None:
    """Point stdout to nowhere if it cannot be written, or the interpreter would complain once more at its exit."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
