"""A picture that is also a sentence, and the one style of all pictures."""

import logging
from binascii import b2a_base64
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# After Okabe and Ito (https://jfly.uni-koeln.de/color/), moved until every two of them, not only neighbours,
# differ by 17 or more (CIEDE2000) for a reader with deuteranopia: there the originals' orange and yellow are
# 12 apart, orange and vermilion 13, pink and the grey that stood here 6. With protanopia it is 14, with
# tritanopia 11, with all cones 25. tests/test_picture.py computes it.
COLOURS = ("#0068B5", "#E07F00", "#00A270", "#BF739E", "#53B2EC", "#A63603", "#F0E442")
INK = "#222222"
GREY = "#666666"
FAINT = "#E4E4E4"
SIZE = 9.5  # points, of all ordinary text
WIDTH = 7.2  # inches, of a picture as wide as the page
LETTER = 0.079  # inches, the width of a digit at the ordinary size
_CSS_PIXELS_PER_INCH = (
    160  # 1152 for a whole picture, wide on a wide screen; in a narrower column it is as wide as that
)
_DOTS_PER_INCH = 216  # sharp on high-density screens too


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (like "#0072B2"), 0 to 1, as WCAG 2 defines it."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink_on(colour: str) -> str:
    """Return white or black, whichever stands out more from `colour`; the contrast is at least 4.5 : 1."""
    return "#FFFFFF" if (luminance(colour) + 0.05) ** 2 < 1.05 * 0.05 else "#000000"


def new_figure(width: float = WIDTH, height: float = 3.0) -> "Figure":
    """Return an empty figure of `width` by `height` inches that no global state knows about."""
    logging.getLogger("matplotlib").setLevel(
        logging.ERROR
    )  # "building the font cache" would appear in the cell
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor="white")


def shown_as(width: float, sentence: str) -> dict[str, Any]:
    """Return what front ends are told about a picture of `width` inches: CSS pixels at most, and its text."""
    return {"width": round(width * _CSS_PIXELS_PER_INCH), "alt": sentence}


def _visible(texts: "list[Any]") -> list[str]:
    return [text.get_text() for text in texts if text.get_visible() and text.get_text()]


class Picture:
    """A picture where pictures can be shown, and everywhere else the sentence that says the same."""

    def __init__(self, figure: "Figure", sentence: str) -> None:
        """Keep a matplotlib figure and the sentence that tests compare and readers without pictures read."""
        self.figure = figure
        self.sentence = sentence

    def __repr__(self) -> str:
        """Return the sentence."""
        return self.sentence

    @cached_property
    def png(self) -> bytes:
        """The picture as a PNG file with no date in it, its words repeated in its description."""
        from matplotlib.text import Text
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        buffer = BytesIO()
        self.figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, pil_kwargs={"compress_level": 1})
        few = (
            Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        )  # a third of the bytes, and looks the same
        compressed, words = BytesIO(), PngInfo()
        words.add_itxt("Description", "\n".join(_visible(self.figure.findobj(Text))))
        few.save(compressed, "png", optimize=True, dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH), pnginfo=words)
        return compressed.getvalue()

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the PNG (base64) and the sentence, and how wide the PNG is shown where there is room."""
        data = {"image/png": b2a_base64(self.png, newline=False).decode("ascii"), "text/plain": self.sentence}
        return data, {"image/png": shown_as(self.figure.get_figwidth(), self.sentence)}
