"""Notebooks under every start method: nbval made strict, with one `leaks` item at the end of each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME  # type: ignore[import-untyped]
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError  # type: ignore[import-untyped]

from tests.gate.kernel import KernelDiedError, TruthKernel
from tests.gate.leaks import LeftBehindError, changed_files, report, tree
from tests.gate.outputs import (
    Message,
    final_outputs,
    picture_fault,
    shape,
    unexpected_texts,
    without_tracker_fault,
)

OUTPUT_TIMEOUT = 30
MERE_DIFFERENCES = (
    "Cell outputs differ",
    "Unrun reference cell has outputs",
)  # after these, the next cell runs


def is_compared(tags: list[str], system: str) -> bool:
    """Return whether a cell's output is compared on a system (as os.name calls it).

    Windows knows neither zombies nor signals: cells that show them, tagged posix-output, only run there.
    """
    return not (system == "nt" and "posix-output" in tags)


class NotebookFile(IPyNbFile):  # type: ignore[misc]
    """One notebook under one start method: `notebooks/03_spawning.ipynb@spawn`."""

    kernel: TruthKernel | None = None

    def __init__(self, *, method: str, **others: Any) -> None:
        """Know the start method; `broken` says why the rest is not run, once it cannot be."""
        super().__init__(**others)
        self.method = method
        self.broken = ""
        self.messages: list[Message] = []
        self.files: dict[str, tuple[int, int]] = {}

    @classmethod
    def of(cls, file: IPyNbFile, method: str) -> NotebookFile:
        """Return what takes the place of nbval's own collector."""
        name, nodeid = f"{file.name}@{method}", f"{file.nodeid}@{method}"
        made: NotebookFile = cls.from_parent(
            file.parent, path=file.path, name=name, nodeid=nodeid, method=method
        )
        return made

    def collect(self) -> Iterable[pytest.Item]:
        """Yield the cells, each named by number and id, and the look at what is left after them."""
        for cell in super().collect():
            yield NotebookCell.from_parent(
                self,
                name=f"{cell.name} {cell.cell.get('id', '')}".strip(),
                cell_num=cell.cell_num,
                cell=cell.cell,
                options=cell.options,
            )
        yield LeaksItem.from_parent(self, name="leaks")

    def setup(self) -> None:
        """Start the kernel in the folder of the notebook."""
        option = self.config.option
        self.files = tree(self.config.rootpath) if option.watch_files else {}
        stored = self.nb.metadata.get("kernelspec", {}).get("name", "python")
        self.kernel = TruthKernel(
            CURRENT_ENV_KERNEL_NAME if option.nbval_current_env else option.nbval_kernel_name or stored,
            cwd=str(self.path.parent),
            method=self.method,
            startup_timeout=option.nbval_kernel_startup_timeout,
        )
        self.setup_sanitize_files()

    def teardown(self) -> None:
        """End the kernel and all that it started."""
        if self.kernel is not None:
            self.kernel.stop()

    def get_kernel_message(self, timeout: float | None = None, stream: str = "iopub") -> Message:
        """Return the kernel's next message, and keep it for the comparison."""
        message: Message = super().get_kernel_message(timeout, stream)
        self.messages.append(message)
        return message


class NotebookCell(IPyNbCell):  # type: ignore[misc]
    """A cell that runs after the others, says what it said when it was stored, and ends."""

    parent: NotebookFile

    def __init__(self, **others: Any) -> None:
        """Give outputs more time than nbval's 5 s: the machine may be busy."""
        super().__init__(**others)
        self.output_timeout = OUTPUT_TIMEOUT
        if not is_compared(self.cell.metadata.get("tags", []), os.name):
            self.options["check"] = False

    def runtest(self) -> None:
        """Run the cell as nbval does, then look where nbval does not."""
        file = self.parent
        if file.broken and not self.options["skip"]:
            pytest.skip(f"not run: {file.broken}")
        file.messages.clear()
        try:
            super().runtest()
        except KernelDiedError as death:
            file.broken = f"the kernel died in {self.name}"
            self.raise_cell_error(f"the kernel died: {death}")
        except NbCellError as error:
            if str(error) not in MERE_DIFFERENCES:
                file.broken = f"{self.name} did not run to its end"
            raise
        finally:
            file.timed_out = False  # nbval would turn all later cells into expected failures
        self._look_at_the_end()
        if file.compare_outputs and self.cell.execution_count is None and self.cell.source.strip():
            self.raise_cell_error(
                "the stored cell was never run, so nothing can be compared: run and store it"
            )

    def _look_at_the_end(self) -> None:
        raised = any(output["output_type"] == "error" for output in self.test_outputs or ())
        kernel = self.parent.kernel
        assert kernel is not None
        reply = kernel.last_reply["content"]
        if self.options["check_exception"]:
            if not raised:
                self.raise_cell_error("the cell is tagged raises-exception, but raised nothing")
        elif reply.get("status") == "error" and not raised:  # a magic that does not exist, for one
            self.parent.broken = f"{self.name} failed"
            self.raise_cell_error(f"the cell failed: {reply.get('ename')}: {reply.get('evalue')}")

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """Compare what the cell shows in the end: texts as nbval does, then order, kinds and pictures."""
        kernel = self.parent.kernel
        assert kernel is not None
        mine = kernel.last_reply["parent_header"]["msg_id"]
        messages = [m for m in self.parent.messages if m["parent_header"].get("msg_id") == mine]
        shown = final_outputs(messages)
        streams_merged = without_tracker_fault(shown)
        stored: list[NotebookNode] = self.cell.outputs
        now, before = shape(shown), shape(stored)
        if not super().compare_outputs(streams_merged, ref, skip_compare):
            self.comparison_traceback += unexpected_texts(streams_merged, stored)
            return False
        if now != before:
            self.comparison_traceback.append(f"order or kind of the outputs: stored {before}, now {now}")
        for whose, outputs in (("stored", stored), ("new", shown)):
            if fault := picture_fault(outputs):
                self.comparison_traceback.append(f"the {whose} picture {fault}")
        return not self.comparison_traceback

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where and what: the failure's headline."""
        return self.path, 0, f"{self.parent.name}::{self.name}"


class LeaksItem(pytest.Item):
    """The last item of a notebook: nothing is left behind."""

    parent: NotebookFile

    def runtest(self) -> None:
        """Look, and say all; the kernel's end puts everything away."""
        if self.parent.broken:
            pytest.skip(f"not asked: {self.parent.broken}")
        kernel = self.parent.kernel
        assert kernel is not None
        left = kernel.left(self.config.option.leak_grace)
        if self.config.option.watch_files:
            left += changed_files(self.parent.files, self.config.rootpath)
        default = kernel.look()["start method"]
        known = {leftover.key for leftover in left}
        after = kernel.left_after_the_end(self.config.option.leak_grace)
        left += [leftover for leftover in after if leftover.key not in known]
        if left:
            raise LeftBehindError(report(left, f"{self.path.name} under {self.parent.method}"))
        if default != self.parent.method:
            raise LeftBehindError(f"the notebook ran under {default}, not under {self.parent.method}")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Return the list alone: the way to it tells nothing."""
        if isinstance(excinfo.value, LeftBehindError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where and what: the failure's headline."""
        return self.path, 0, f"{self.parent.name}::leaks"
