"""What a cell showed in the end, made from the kernel's messages; and whether a picture shows anything."""

from __future__ import annotations

import base64
import binascii
import copy
import io
import re
import sys
from collections.abc import Iterable
from typing import Any

from nbformat import NotebookNode
from nbval.plugin import coalesce_streams  # type: ignore[import-untyped]

# cpython issue 131788, mended in 3.13.7: a lock that nobody needs any more is collected while the resource
# tracker hears of a new one. It is unlinked all the same, so nothing leaks; lesson 06 says so to readers.
REENTRANT = re.compile(
    r"[^\n]*resource_tracker\.py:\d+: UserWarning: ResourceTracker called reentrantly "
    r"[^\n]*\n +warnings\.warn\(\n"
)
MENDED = (3, 13, 7)
SHOWN = 30  # lines of a text that nobody expected
Message = dict[str, Any]
node: Any = NotebookNode  # which has no types


def final_outputs(messages: Iterable[Message]) -> list[NotebookNode]:
    """Return the outputs of one cell as a notebook would store them at its end.

    A display that was updated counts as its last state; what went into an Output widget is the widget's.
    """
    outputs: list[NotebookNode] = []
    displays: dict[str, NotebookNode] = {}
    widgets: set[str] = set()  # Output widgets by comm
    catching: set[str] = set()  # those that take the outputs just now
    clear_first = False  # `clear_output(wait=True)` clears when the next output comes
    for message in messages:
        kind, content = message["msg_type"], message["content"]
        if clear_first and not catching and kind in ("stream", "error", "display_data", "execute_result"):
            outputs.clear()
            clear_first = False
        if kind.startswith("comm"):
            _follow_widgets(kind, content, widgets, catching)
        elif catching:
            continue
        elif kind == "stream":
            outputs.append(node(output_type=kind, name=content["name"], text=content["text"]))
        elif kind == "error":
            outputs.append(node(output_type=kind, **content))
        elif kind in ("display_data", "execute_result"):
            output = node(output_type=kind, metadata=content["metadata"], data=dict(content["data"]))
            outputs.append(output)
            if name := content.get("transient", {}).get("display_id"):
                displays[name] = output
        elif kind == "update_display_data":
            if shown := displays.get(content["transient"]["display_id"]):
                shown.data, shown.metadata = dict(content["data"]), content["metadata"]
        elif kind == "clear_output":
            clear_first = True
            if not content["wait"]:
                outputs.clear()
    return outputs


def without_tracker_fault(
    outputs: Iterable[NotebookNode], python: tuple[int, ...] = sys.version_info[:3]
) -> list[NotebookNode]:
    """Return the outputs, each stream in one piece, without a warning that old Pythons give by chance."""
    merged: list[NotebookNode] = coalesce_streams(copy.deepcopy(list(outputs)))
    if python >= MENDED:
        return merged
    for output in merged:
        if output.output_type == "stream" and output.name == "stderr":
            output.text = REENTRANT.sub("", output.text)
    return [output for output in merged if output.output_type != "stream" or output.text]


def unexpected_texts(shown: Iterable[NotebookNode], stored: Iterable[NotebookNode]) -> list[str]:
    """Return the end of what was written to a stream of which the stored outputs have nothing."""
    known = {output.get("name") for output in stored}
    return [
        "\n".join([f"on {output.name}, where nothing is stored:", *output.text.splitlines()[-SHOWN:]])
        for output in shown
        if output.output_type == "stream" and output.name not in known
    ]


def _follow_widgets(kind: str, content: Message, widgets: set[str], catching: set[str]) -> None:
    comm, data = content["comm_id"], content.get("data", {})
    state = data.get("state", {})
    if kind == "comm_open" and state.get("_model_name") == "OutputModel":
        widgets.add(comm)
    if comm in widgets and "msg_id" in state:
        (catching.add if state["msg_id"] else catching.discard)(comm)


def shape(outputs: Iterable[NotebookNode]) -> list[str]:
    """Return kinds and MIME types in order, without stderr: its place among the others is not defined."""
    kinds: list[str] = []
    for output in outputs:
        kind = str(output["output_type"])
        if kind == "stream":
            if output["name"] == "stdout" and kinds[-1:] != ["stdout"]:
                kinds.append("stdout")
        elif kind == "error":
            kinds.append("error")
        else:
            kinds.append(f"{kind} ({', '.join(sorted(k for k in output['data'] if 'widget' not in k))})")
    return kinds


def picture_fault(outputs: Iterable[NotebookNode]) -> str | None:
    """Return what is wrong with the first bad PNG, not a picture or nothing on it; None when all are good."""
    from PIL import Image  # matplotlib brings it

    for output in outputs:
        png = output.get("data", {}).get("image/png")
        if png is None:
            continue
        try:
            with Image.open(io.BytesIO(base64.b64decode(png, validate=False))) as image:
                colours = image.convert("RGB").getcolors(maxcolors=2)
        except (OSError, ValueError, binascii.Error):
            return "is not a PNG picture"
        if colours is not None:
            return "is blank"
    return None
