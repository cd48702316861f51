"""A run on a dask cluster while it goes on: what the workers report to the scheduler, read into lanes."""

import threading
from collections import defaultdict
from collections.abc import Callable
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any

from helpers.pools.plan import Plan
from helpers.watching.recording import Recording
from helpers.watching.runs import Lane, Run, Span
from helpers.workers import tracing
from helpers.workers.reporting import Reported

if TYPE_CHECKING:
    from distributed import Client

_LATE = 5.0  # seconds that the last events may need after the results, and the scheduler to answer
_ENDS = (tracing.ENDED, tracing.RAISED, tracing.EXITED)


def cluster_behind(call: Callable[..., Any], kwargs: dict[str, Any]) -> "Client | None":
    """Return the dask client that a call shaped like map works with, None when there is none.

    It is found in `client.map`, in `executor.map` of the client's executor, and in a pool made of that
    executor, as `pm_pool=` or as the owner of `map_async`.
    """
    owner = kwargs.get("pm_pool") or getattr(call, "__self__", None)
    executor = getattr(owner, "_executor", owner)
    found = getattr(executor, "_client", executor)
    if type(found).__module__.partition(".")[0] != "distributed" or not hasattr(found, "subscribe_topic"):
        return None
    return found


class ClusterRecording(Recording):
    """A run that goes on: the topic that its workers report to, and the clock's reading at its start."""

    def __init__(self, plan: Plan, client: "Client") -> None:
        """Listen to the topic, and start the clock."""
        super().__init__(plan)
        self._client = client
        self._topic = self.folder.name  # no other run has it
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        client.subscribe_topic(self._topic, self._hear)
        self._wall = time()

    def traced(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the stand-in for the function that reports what it does."""
        return Reported(function, self._topic)

    def lanes(self, *, look: bool = True) -> tuple[Lane, ...]:
        """Return what has been reported so far, one lane per worker, by host and first start.

        With `look`, the scheduler is asked for its workers: an open task of one that is gone died with it.
        It gets a few seconds: its client's thread may be held up, and the limit of `watch` holds even then.
        """
        with self._lock:
            events = list(self._events)
        spans: dict[tuple[str, int], dict[int, Span]] = defaultdict(dict)
        for event in events:
            lane, task, moment = (
                spans[event["worker"], event["pid"]],
                event["task"],
                event["time"] - self._wall,
            )
            if event["fate"] == tracing.STARTED:
                lane[task] = Span(task, max(moment, 0.0), None)
            elif task in lane:
                raised, died = event["fate"] == tracing.RAISED, event["fate"] == tracing.EXITED
                lane[task] = lane[task]._replace(end=max(moment, lane[task].start), raised=raised, died=died)
        spoke = {address for address, _ in spans}
        there = self._there(spoke) if look else spoke
        hosts = sorted(
            ((_host(address), min(span.start for span in lane.values()), address, pid)
             for (address, pid), lane in spans.items())
        )  # fmt: skip
        return tuple(
            Lane.of(
                f"{host}, worker {number}",
                pid,
                (
                    span if span.end is not None or address in there else span._replace(died=True)
                    for span in sorted(spans[address, pid].values(), key=lambda span: span.start)
                ),
            )
            for number, (host, _, address, pid) in enumerate(hosts, 1)
        )

    def run(self, results: list[Any]) -> Run:
        """Return the run as it is now; the last events may come a moment after the results."""
        deadline = monotonic() + _LATE
        while results and self._ended() < len(results) and monotonic() < deadline:
            sleep(0.01)
        return super().run(results)

    def remove(self) -> None:
        """Stop listening."""
        self._client.unsubscribe_topic(self._topic)
        super().remove()

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        with self._lock:
            self._events.append(event[1])

    def _ended(self) -> int:
        with self._lock:
            return len({event["task"] for event in self._events if event["fate"] in _ENDS})

    def _there(self, spoke: set[str]) -> set[str]:
        """Return the workers that the scheduler has; those that spoke where it does not answer in time."""
        try:
            asked = self._client.scheduler.identity
            return set(self._client.sync(asked, n_workers=-1, callback_timeout=_LATE)["workers"])
        except TimeoutError:
            return spoke


def _host(address: str) -> str:
    return address.rpartition("://")[2].rpartition(":")[0]
