"""A landscape with the names of those who shaded it."""

import numpy as np
import pytest

from helpers.views.picture import COLOURS
from helpers.views.relief import relief

LIGHT = np.linspace(0, 1, 12).reshape(4, 3)
EDGES = [(0, 2), (2, 3), (3, 4)]


def test_it_is_a_picture_with_its_sentence() -> None:
    picture = relief(LIGHT, EDGES, [11, 22, 11])
    assert repr(picture) == "hillshade of 4 by 3 heights in 3 bands"
    assert picture.png.startswith(b"\x89PNG")


def test_bands_bear_the_names_and_colours_of_their_workers() -> None:
    land, beside = relief(LIGHT, EDGES, [22, 11, 22]).figure.axes
    assert [text.get_text() for text in beside.texts] == ["worker 1", "worker 2", "worker 1"]
    assert beside.patches[0].get_facecolor() == beside.patches[2].get_facecolor()
    assert beside.patches[0].get_facecolor() != beside.patches[1].get_facecolor()
    assert len(land.images) == 1


def test_more_workers_than_colours() -> None:
    count = len(COLOURS) + 1
    picture = relief(np.zeros((count, 2)), [(row, row + 1) for row in range(count)], range(count))
    assert picture.figure.axes[1].texts[-1].get_text() == f"worker {count}"


def test_a_band_without_a_maker_is_refused() -> None:
    with pytest.raises(ValueError, match="there are 3 bands and 2 makers: give one PID for each band"):
        relief(LIGHT, EDGES, [1, 2])
