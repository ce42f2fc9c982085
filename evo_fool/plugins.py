"""What other packages add by entry points: one group for each seam.

A package declares, for example, `[project.entry-points."evo_fool.encodings"]` with `strokes = "strokes:StrokesConfig"`.
Names are read from installed metadata; only `load` imports code, and only what this installation has installed.
"""

from importlib.metadata import entry_points
from typing import Any

from evo_fool.errors import ConfigError


class PluginError(ConfigError):
    """No installed package provides this name, several do, or its code cannot be imported."""


def names(group: str) -> list[str]:
    """The names that installed packages add to `group`, e.g. `evo_fool.encodings`; sorted, each once."""
    return sorted(entry_points(group=group).names)


def load(group: str, name: str) -> Any:
    """The object that an installed package adds to `group` as `name`.

    Raises:
        PluginError: no package adds `name`, two packages do, or importing it failed.
    """
    found = list({(point.value, point.name): point for point in entry_points(group=group, name=name)}.values())
    if not found:
        others = ", ".join(names(group)) or "nothing"
        raise PluginError(f"no installed package provides {name!r} in {group}; installed: {others}")
    if len(found) > 1:
        values = ", ".join(sorted(point.value for point in found))
        raise PluginError(f"{name!r} in {group} is provided more than once ({values}); uninstall all but one")
    try:
        return found[0].load()
    except Exception as e:  # whatever another package's import raises
        raise PluginError(f"{name!r} in {group} ({found[0].value}) cannot be imported: {e}") from e
