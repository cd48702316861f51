"""Any executor of `concurrent.futures` with the face of a Pool that parmap asks for."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, wait
from multiprocessing import TimeoutError as PoolTimeoutError
from typing import Any

from helpers.pools.chunks import chunks
from helpers.workers.chunk import run_chunk


class ChunksResult:
    """What `map_async` returns: the results of all chunks, later."""

    def __init__(self, futures: "list[Future[list[Any]]]") -> None:
        """Keep one future per chunk, in order."""
        self._futures = futures

    @property
    def _number_left(self) -> int:
        """The number of chunks that are not done; parmap's bar reads it."""
        return sum(not future.done() for future in self._futures)

    def ready(self) -> bool:
        """Tell whether all chunks are done, or have failed."""
        return self._number_left == 0

    def successful(self) -> bool:
        """Tell whether no chunk failed; raises ValueError before the end."""
        if not self.ready():
            raise ValueError(f"{self._number_left} chunks are not done: ask again after get() or wait()")
        return all(not future.cancelled() and future.exception() is None for future in self._futures)

    def wait(self, timeout: float | None = None) -> None:
        """Return when all chunks are done, or after `timeout` seconds."""
        wait(self._futures, timeout)

    def get(self, timeout: float | None = None) -> list[Any]:
        """Return the results in order, or raise what the first failed chunk raised.

        Raises multiprocessing.TimeoutError after `timeout` seconds. Whatever is raised, an interrupt
        included, chunks that have not begun are given up.
        """
        try:
            done, open_ = wait(self._futures, timeout, FIRST_EXCEPTION)
            if open_ and not any(future.exception() for future in done):
                raise PoolTimeoutError
            for future in self._futures:
                if future in done and future.exception():
                    future.result()  # raises
            return [value for future in self._futures for value in future.result()]
        finally:
            for future in self._futures:
                future.cancel()  # does nothing to one that is done


class ExecutorPool:
    """An executor as a Pool: hand it to parmap as `pm_pool=ExecutorPool(executor, workers)`.

    It offers `map_async` and nothing more, which is all that parmap uses. Closing the executor stays the
    caller's affair.
    """

    def __init__(self, executor: Executor, workers: int) -> None:
        """Keep the executor; `workers` decides the default chunk size, as in a Pool."""
        if not isinstance(workers, int) or workers < 1:
            raise ValueError(f"workers is {workers!r}: give the executor's number of workers, at least 1")
        self._executor = executor
        self._processes = workers
        self._pool = [None] * workers  # parmap's bar takes its length

    def map_async(
        self,
        function: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> ChunksResult:
        """Return the results of `function` over the items, later; each chunk is one task of the executor.

        Raises ValueError for a chunk size below 1, and for a callback: an executor's futures have their own.
        """
        if callback is not None or error_callback is not None:
            raise ValueError("callbacks are not passed on to an executor: call get() and use what it returns")
        cut = chunks(iterable, workers=self._processes, chunksize=chunksize)
        return ChunksResult([self._executor.submit(run_chunk, function, chunk) for chunk in cut])
