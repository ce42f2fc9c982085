"""Classes by index, by name, or by another name such as a WordNet id or a synonym."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from evo_fool.errors import UnknownClassError

_SHOWN = 5


class ClassNames:
    """The classes of a classifier or a run, found as users write them.

    Args:
        names: one distinct name per class.
        aliases: other names of each class, which several classes may share; empty: no class has any.
    """

    def __init__(self, names: Sequence[str], aliases: Sequence[Sequence[str]] = ()) -> None:
        self.names = tuple(names)
        self.aliases = tuple(map(tuple, aliases)) or ((),) * len(self.names)
        self._exact = {name: index for index, name in reversed(list(enumerate(self.names)))}
        self._tables = (
            _table(enumerate(self.names)),
            _table((index, alias) for index, others in enumerate(self.aliases) for alias in others),
        )

    def find(self, text: int | str) -> int:
        """The index of the class that ``text`` names: an exact name, else an index, a name or another name.

        Only an exact name is compared with case. A name that several classes share is an error that lists them.

        >>> birds = ClassNames(["crane", "crane bird", "hen"], [["n03126707"], ["n02012849", "crane"], ["n01514859"]])
        >>> birds.find("crane"), birds.find("Crane Bird"), birds.find("N01514859"), birds.find("2")
        (0, 1, 2, 2)

        Raises:
            UnknownClassError: no class has this name, or several do; the message lists candidates.
        """
        if isinstance(text, str) and text in self._exact:
            return self._exact[text]
        try:
            index = int(text)
        except ValueError:
            return self._by_name(str(text))
        if not 0 <= index < len(self.names):
            raise UnknownClassError(
                f"class {text!r}: there are classes 0 to {len(self.names) - 1}; give an index or a name"
            )
        return index

    def _by_name(self, text: str) -> int:
        key = _key(text)
        for table in self._tables:
            found = table.get(key, [])
            if len(found) == 1:
                return found[0]
            if found:
                listed = [f"{index} {self.names[index]}" for index in found[:_SHOWN]]
                more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
                candidates = " or ".join(listed + more)
                raise UnknownClassError(f"class {text!r} may be {candidates}; give the index or full name")
        raise UnknownClassError(f"class {text!r}: there is no such class; {self._remedy(key)}")

    def _remedy(self, key: str) -> str:
        near = [
            self.names[index]
            for table in self._tables
            for match in difflib.get_close_matches(key, table, n=2, cutoff=0.7)
            for index in table[match]
        ]
        if near:
            return f"did you mean {' or '.join(map(repr, list(dict.fromkeys(near))[:3]))}?"
        return f"give an index from 0 to {len(self.names) - 1} or a name"


def _table(pairs: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    table: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in pairs:
        if index not in table[_key(name)]:
            table[_key(name)].append(index)
    return dict(table)


def _key(name: str) -> str:
    """A name as compared: without case, runs of spaces and underscores as one space."""
    return " ".join(name.replace("_", " ").split()).casefold()
