"""From one laptop to 10 000 cores, on paper: what a job takes when one scheduler hands out its tasks.

`python -m benchmarks.bench_scheduler --store` writes scaling.json, the measured figures.
"""

import json
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.views.picture import Picture
    from helpers.views.table import Table

MEASURED = Path(__file__).with_name("scaling.json")


def measured() -> dict[str, Any]:
    """Return the benchmark's figures: seconds per task and per megabyte, and whole jobs with theirs."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


def job_seconds(tasks: int, seconds: float, slots: int, per_task: float) -> float:
    """Return the seconds of a job: its rounds of work, or handing out its tasks, whichever is longer.

    `seconds` is the length of a task, `slots` how many run at one time, `per_task` what a scheduler needs for
    one. Raises ValueError for a number that cannot be.
    """
    if tasks < 0 or slots < 1 or seconds < 0 or per_task < 0:
        raise ValueError("tasks, seconds and per_task are at least 0, and slots at least 1")
    return max(ceil(tasks / slots) * (seconds + per_task), tasks * per_task)


def predictions() -> "Table":
    """Return one row per measured job: the model's seconds, the measured ones, and how well they agree.

    The model knows the cost of a task without work alone; none of these jobs was used for it.
    """
    from helpers.views.table import Table

    found = measured()
    rows = []
    for one in found["jobs"]:
        model = job_seconds(one["tasks"], one["seconds"], one["slots"], found["per task"])
        rows.append(
            (
                one["tasks"],
                one["seconds"],
                one["slots"],
                round(model, 2),
                one["took"],
                f"{model / one['took']:.2f}",
            )
        )
    columns = ("tasks", "of seconds", "slots", "model, s", "measured, s", "model / measured")
    return Table(columns, rows, f"{found['machine']}, {found['measured']}")


def draw_scaling(lengths: Sequence[float] = (0.01, 0.1, 1.0, 10.0), title: str = "") -> "Picture":
    """Return how many slots tasks of these lengths keep busy, out of 1 to 10 000, and what was measured."""
    from helpers.views.picture import COLOURS, GREY, INK, Picture, new_figure

    found = measured()
    per_task = found["per task"]
    figure = new_figure(height=4.0)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    slots = [10 ** (step / 20) for step in range(81)]
    for colour, length in zip(COLOURS, lengths, strict=False):
        busy = [min(one, (length + per_task) / per_task) for one in slots]
        axes.plot(slots, busy, color=colour)
        axes.text(slots[-1] * 0.95, busy[-1] * 1.08, f"tasks of {length:g} s", color=INK, ha="right")
    for number, one in enumerate(found["jobs"]):
        at_work = one["tasks"] * one["seconds"] / one["took"]
        axes.plot(one["slots"], at_work, "o", color=INK, mfc="none", label="" if number else "measured jobs")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="slots in the cluster",
        ylabel="slots at work",
        xlim=(1, 10_000),
        ylim=(1, 10_000),
    )
    axes.grid(color=GREY, alpha=0.25)
    axes.legend(frameon=False, loc="upper left")
    axes.set_title(title, loc="left")
    longest = max(lengths)
    sentence = (
        f"slots at work, of 1 to 10 000: the line for tasks of {longest:g} s bends last, "
        f"that for {min(lengths):g} s first"
    )
    return Picture(figure, sentence)
