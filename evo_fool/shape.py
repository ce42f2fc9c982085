"""Heights and widths of images: one number means a square."""

from __future__ import annotations

Size = int | tuple[int, int]
"""Height and width in pixels, or both at once."""


def sides(size: Size) -> tuple[int, int]:
    """Height and width.

    >>> sides(28), sides((28, 40))
    ((28, 28), (28, 40))
    """
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def scaled(size: Size, longest: int) -> tuple[int, int]:
    """Height and width in the proportions of ``size`` whose longer side is ``longest``, at least 1.

    >>> scaled(28, 100), scaled((20, 40), 100)
    ((100, 100), (50, 100))
    """
    height, width = sides(size)
    most = max(height, width)
    return max(1, round(longest * height / most)), max(1, round(longest * width / most))


def compact(height: int, width: int) -> int | list[int]:
    """As JSON writes a size: one number for a square, which is how every older record has it.

    >>> compact(28, 28), compact(28, 40)
    (28, [28, 40])
    """
    return height if height == width else [height, width]
