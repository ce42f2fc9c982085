"""evo_fool.plugins: names and objects that installed packages add."""

from pathlib import Path

import pytest

from evo_fool import plugins

GROUP = "evo_fool.test_things"


def install(folder: Path, package: str, points: str) -> None:
    """Writes the metadata that an installed wheel leaves."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_what_a_package_adds_is_named_and_loaded(site: Path) -> None:
    install(site, "first", "b = collections:OrderedDict\na = collections:deque")
    assert plugins.names(GROUP) == ["a", "b"]
    from collections import OrderedDict

    assert plugins.load(GROUP, "b") is OrderedDict


@pytest.mark.parametrize(
    "points, name, message",
    [
        ("a = collections:deque", "missing", "no installed package provides 'missing' .* installed: a"),
        ("a = no_such_module_here:x", "a", "cannot be imported: No module named"),
        ("a = collections:NoSuchName", "a", "cannot be imported: .*NoSuchName"),
    ],
)
def test_what_cannot_be_loaded_is_named(site: Path, points: str, name: str, message: str) -> None:
    install(site, "first", points)
    with pytest.raises(plugins.PluginError, match=message):
        plugins.load(GROUP, name)


def test_a_name_of_two_packages_is_refused(site: Path) -> None:
    install(site, "first", "a = collections:deque")
    install(site, "second", "a = collections:OrderedDict")
    with pytest.raises(plugins.PluginError, match="more than once"):
        plugins.load(GROUP, "a")
