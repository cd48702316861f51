"""A picture is its PNG and its sentence."""

from base64 import b64decode

from helpers.views.picture import COLOURS, Picture, ink_on, new_figure, plain


def picture() -> Picture:
    """Return a small picture."""
    figure = new_figure(4, 2)
    axes = figure.add_subplot()
    plain(axes, grid="x")
    axes.plot([0, 1], [0, 1], color=COLOURS[0])
    return Picture(figure, "a line that rises")


def test_it_is_a_png_with_its_sentence() -> None:
    """The bundle has the PNG and the sentence, and the width at which it is to be shown."""
    data, metadata = picture()._repr_mimebundle_()
    assert data["text/plain"] == repr(picture()) == "a line that rises"
    png = b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 2 * 4 * 96
    assert metadata["image/png"] == {"width": 4 * 96, "alt": "a line that rises"}


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


def test_letters_are_legible_on_every_colour() -> None:
    """Dark colours carry white letters, light ones dark letters."""
    assert ink_on("#000000") == "white"
    assert ink_on("#FFFFFF") != "white"
    assert {ink_on(colour) for colour in COLOURS} == {"white", "#222222"}
