"""A picture is its PNG and its sentence."""

from base64 import b64decode
from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, pi, radians, sin, sqrt, tau

import pytest

from helpers.views.picture import COLOURS, Picture, ink_on, luminance, new_figure


def picture() -> Picture:
    """Return a small picture."""
    figure = new_figure(4, 2)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=COLOURS[0])
    return Picture(figure, "a line that rises")


def test_it_is_a_png_with_its_sentence() -> None:
    """The bundle has the PNG and the sentence, as text and as alternative text."""
    data, metadata = picture()._repr_mimebundle_()
    assert data["text/plain"] == repr(picture()) == "a line that rises"
    png = b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 4 * 216
    assert metadata["image/png"] == {"width": 4 * 160, "alt": "a line that rises"}


def test_drawing_twice_gives_the_same_bytes() -> None:
    """No date and no version that would change the file are in it."""
    assert picture().png == picture().png


def test_pyplot_is_not_needed() -> None:
    """Pictures leave matplotlib's global state alone."""
    import subprocess
    import sys

    code = (
        "import sys, helpers.views.picture as p; p.new_figure(); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", COLOURS)
def test_digits_stand_out_from_every_colour(colour: str) -> None:
    """WCAG 2 asks for 4.5 : 1 (level AA)."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast(colour, ink_on(colour)) >= 4.5


def test_the_better_ink_is_taken() -> None:
    """Dark colours carry white letters, light ones black letters, and both happen."""
    for colour in (*COLOURS, "#000000", "#FFFFFF", "#777777"):
        assert contrast(colour, ink_on(colour)) == max(
            contrast(colour, "#000000"), contrast(colour, "#FFFFFF")
        )
    assert len({ink_on(colour) for colour in COLOURS}) == 2


# How colours look without the middle cones, as a matrix on linear RGB. Source: Machado, Oliveira, Fernandes,
# "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), table for severity 1.0.
DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
UNCHANGED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
TO_XYZ = (  # sRGB under D65 (IEC 61966-2-1), each row divided by the white's share
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)
Triple = tuple[float, float, float]


def times(matrix: tuple[Triple, ...], vector: Triple) -> Triple:
    """Return the product of a matrix and a vector."""
    a, b, c = (sum(m * v for m, v in zip(row, vector, strict=True)) for row in matrix)
    return a, b, c


def lab(colour: str, seen: tuple[Triple, ...]) -> Triple:
    """Return the CIELAB coordinates of a colour as somebody sees it."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    r, g, b = (min(max(part, 0.0), 1.0) for part in times(seen, (red, green, blue)))
    x, y, z = (
        part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
        for part in times(TO_XYZ, (r, g, b))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: Triple, other: Triple) -> float:
    """Return the difference of two colours by CIEDE2000 (Sharma, Wu and Dalal, 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (hypot(a1, b1) + hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * sqrt(chroma**7 / (chroma**7 + 25**7))
    c1, c2 = hypot(stretch * a1, b1), hypot(stretch * a2, b2)
    h1, h2 = atan2(b1, stretch * a1) % tau, atan2(b2, stretch * a2) % tau
    turn = (h2 - h1 + pi) % tau - pi if c1 * c2 else 0.0
    hue, light, chroma = h1 + turn / 2 if c1 * c2 else h1 + h2, (l1 + l2) / 2, (c1 + c2) / 2
    dl, dc, dh = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(turn / 2)
    t = (
        1 - 0.17 * cos(hue - pi / 6) + 0.24 * cos(2 * hue)
        + 0.32 * cos(3 * hue + radians(6)) - 0.20 * cos(4 * hue - radians(63))
    )  # fmt: skip
    sl, sc, sh = (
        1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2),
        1 + 0.045 * chroma,
        1 + 0.015 * chroma * t,
    )
    bend = radians(60) * exp(-((((degrees(hue) % 360) - 275) / 25) ** 2))
    rt = -sin(bend) * 2 * sqrt(chroma**7 / (chroma**7 + 25**7))
    return sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (50.0, 3.2592, 0.3350), 1.0000),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_the_difference_is_ciede2000(one: Triple, other: Triple, expected: float) -> None:
    """Four pairs of the test data that the authors published with the formula."""
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seen", [DEUTERANOPIA, UNCHANGED])
def test_any_two_colours_differ_for_readers_with_deuteranopia(seen: tuple[Triple, ...]) -> None:
    """15 is asked of neighbours; since any two can come to lie side by side, it holds for every pair."""
    for one, other in combinations(COLOURS, 2):
        assert difference(lab(one, seen), lab(other, seen)) >= 15, (one, other)
