"""A progress bar for people who compare: it draws nothing and says at its end how far it counted."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any


class CountingBar:
    """Shaped like `tqdm`: made with an iterable or a `total`, moved by `update`, used in a `with` block.

    `parmap.map(..., pm_pbar=CountingBar)` makes one; it prints `the bar ended at 8 of 8`.
    """

    def __init__(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> None:
        """Count from 0 to `total`, by default the length of the iterable when it has one."""
        self._iterable = iterable
        self.total = len(iterable) if total is None and hasattr(iterable, "__len__") else total  # type: ignore[arg-type]
        self.count = 0

    def update(self, steps: int = 1) -> None:
        """Move on by so many steps."""
        self.count += steps

    def close(self) -> None:
        """Say how far it counted."""
        print(f"the bar ended at {self.count} of {'?' if self.total is None else self.total}")

    def __enter__(self) -> "CountingBar":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how far it counted."""
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield the items, one step each."""
        for item in self._iterable or ():
            yield item
            self.update()
        self.close()
