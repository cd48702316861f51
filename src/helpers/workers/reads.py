"""A mapping that notes in which processes it was read, and how often."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from collections.abc import Iterator


class NotedReads(dict[str, str]):
    """A dictionary that notes each look at all its keys, one byte in a file of `folder` named by PID.

    `dict.update` and `dict(...)` look at all keys of it. Picklable: a copy in a child notes there.
    """

    def __init__(self, pairs: dict[str, str], folder: str) -> None:
        """Hold the pairs."""
        super().__init__(pairs)
        self.folder = folder

    def __reduce__(self) -> tuple[type[NotedReads], tuple[dict[str, str], str]]:
        """Pickle as a call, so that no copy is read while it is made."""
        return NotedReads, ({key: self[key] for key in super().__iter__()}, self.folder)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, and note it."""
        self._note()
        return super().__iter__()

    def keys(self) -> list[str]:  # type: ignore[override]
        """Return the keys, and note it."""
        return list(self)

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """Return the pairs, and note it."""
        return [(key, self[key]) for key in self]

    def _note(self) -> None:
        name = os.path.join(self.folder, f"read-{os.getpid()}")  # noqa: PTH118 - pathlib is slow to import
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, b".")
        finally:
            os.close(file)
