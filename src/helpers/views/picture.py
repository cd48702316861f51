"""A picture that is also a sentence, and the one style of all pictures."""

import logging
from binascii import b2a_base64
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, distinguishable with every common colour blindness (https://jfly.uni-koeln.de/color/),
# in an order in which neighbours also differ in lightness.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
INK = "#222222"
GREY = "#666666"
FAINT = "#E4E4E4"
SIZE = 9.0  # points, of all ordinary text
WIDTH = 8.0  # inches, of a picture as wide as the page
LETTER = 0.075  # inches, the width of a digit at the ordinary size
CSS_PIXELS_PER_INCH = 96
_DOTS_PER_INCH = 2 * CSS_PIXELS_PER_INCH  # sharp on high-density screens


def ink_on(colour: str) -> str:
    """Return white or near-black, whichever is easier to read on `colour` (like "#0072B2")."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK


def new_figure(width: float = 8.0, height: float = 3.0) -> "Figure":
    """Return an empty figure of `width` by `height` inches that no global state knows about."""
    logging.getLogger("matplotlib").setLevel(
        logging.ERROR
    )  # "building the font cache" would appear in the cell
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor="white")


def draw_title(figure: "Figure", title: str, height: float) -> None:
    """Write the title, if there is one, at the top left of a figure that is `height` inches high."""
    if title:
        place = (0.1 / figure.get_figwidth(), 1 - 0.12 / height)
        figure.text(*place, title, va="top", size=SIZE + 3, weight="bold", color=INK, parse_math=False)


def plain(axes: "Axes", *, grid: str = "") -> None:
    """Give `axes` the one style: no box, short grey ticks, faint lines at the ticks of `grid` ("x", "y")."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(labelsize=SIZE, colors=INK, color=GREY, length=3)
    axes.set_axisbelow(True)
    if grid == "x":
        axes.grid(True, axis="x", color=FAINT, linewidth=0.8)
    elif grid == "y":
        axes.grid(True, axis="y", color=FAINT, linewidth=0.8)


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
        """Return the PNG (base64) and the sentence, and how wide the PNG is to be shown."""
        data = {"image/png": b2a_base64(self.png, newline=False).decode("ascii"), "text/plain": self.sentence}
        width = round(self.figure.get_figwidth() * CSS_PIXELS_PER_INCH)
        return data, {"image/png": {"width": width, "alt": self.sentence}}
