"""A cluster of dask's: started, watched, wounded and ended; and a clear sentence for whatever is wrong."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import parmap
import psutil
import pytest
from distributed import Client, Event, KilledWorker, LocalCluster, Security

from helpers.pools.executor_pool import ExecutorPool
from helpers.pools.plan import Plan
from helpers.processes.descendants import MARK, marked, new_mark
from helpers.processes.family import family
from helpers.processes.roles import DASK, classify
from helpers.programs.cluster import Cluster, NoCluster, checkup, connect
from helpers.waiting import wait_until
from helpers.watching import afar
from helpers.watching.afar import cluster_behind
from helpers.watching.lanes import rows_of
from helpers.watching.runs import Lane, Run, Span
from helpers.watching.watch import Unfinished, watch
from helpers.workers.endings import raise_error
from helpers.workers.naps import nap
from helpers.workers.numbers import square
from tools import canonical, running

ROOT = Path(__file__).resolve().parents[1]
ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(workers=2) as started, Client(started.address) as client:
        client.wait_for_workers(2, timeout=60)  # so that the gate sees them here, and not in the first test
        yield started


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Any]:
    with Client(cluster.address) as connected:
        connected.wait_for_workers(2, timeout=60)
        yield connected
        connected.wait_for_workers(2, timeout=60)  # a nanny may be at work for one that was killed


def test_a_cluster_is_daskes_own_commands(cluster: Cluster) -> None:
    scheduler, worker = repr(cluster).replace(" \\\n   ", "").splitlines()
    assert max(map(len, repr(cluster).splitlines())) <= 100
    assert scheduler.startswith("$ dask scheduler --host 127.0.0.1 ")
    assert worker.startswith("$ dask worker --scheduler-file scheduler.json ")


def test_the_family_knows_schedulers_and_workers(client: Any) -> None:
    labels = [one.label for one in family().members]
    assert [labels.count(name) for name in DASK] == [1, 1, 2]


def test_the_names_of_daskes_commands() -> None:
    for line in ("dask scheduler", "/x/python -m dask scheduler --port 0", "/x/bin/dask-scheduler"):
        assert classify(line, "bash").name == "dask scheduler"
    for line in ("dask worker a", "python -m distributed.cli.dask_worker tcp://h:1", "/x/bin/dask-worker"):
        assert classify(line, "bash").name == "dask worker command"
        assert classify("python -c … --multiprocessing-fork", line).name == "dask worker"
    assert classify("python my_dask_workers.py", "bash").name == "program"


def test_watch_draws_lanes_by_host_and_worker(client: Any) -> None:
    pool = ExecutorPool(client.get_executor(pure=False), 2)
    assert cluster_behind(client.map, {}) == client
    for run in (
        watch(client.map, nap, [0.1] * 6, pure=False),
        watch(parmap.map, nap, [0.1] * 6, pm_pool=pool, pm_pbar=True),
        watch(parmap.starmap, pow, [(2, 3)] * 6, pm_pool=pool),
        watch(client.get_executor(pure=False).map, nap, [0.1] * 6),
    ):
        assert repr(run) == "6 tasks on 2 workers, all finished"
        assert {lane.label for lane in run.lanes} <= {"127.0.0.1, worker 1", "127.0.0.1, worker 2"}
        assert sorted(span.task for lane in run.lanes for span in lane.spans) == list(range(6))
        assert {lane.pid for lane in run.lanes} <= set(client.run(os.getpid).values())


def test_a_long_name_of_a_host_keeps_its_worker() -> None:
    lanes = tuple(
        Lane.of(f"{host}, worker 1", 1, [Span(0, 0.0, 1.0)])
        for host in ("10.0.0.1", "node-0123.cluster.example")
    )
    rows = rows_of(Run([], lanes, 1.0, Plan(2, 2, "worker", 1)))
    assert [row.label for row in rows] == ["10.0.0.1, worker 1", "…ter.example, worker 1"]


def test_watch_tells_of_errors_and_limits(client: Any) -> None:
    with pytest.raises(ValueError, match="burnt") as caught:
        watch(client.map, raise_error, ["burnt"])
    assert caught.value.run.outcomes()["raised"] == [0]  # type: ignore[attr-defined]
    with pytest.raises(Unfinished, match="task 0 still running"):
        watch(client.map, nap, [3.0], limit=0.5, pure=False)
    assert client.submit(square, 3, pure=False).result(timeout=60) == 9


def test_a_limit_holds_while_the_thread_of_the_client_is_held_up(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It happened: a bar was collected in that thread, and waited for a lock that nobody would release."""
    monkeypatch.setattr(afar, "_LATE", 0.2)
    enough, free = threading.Event(), threading.Event()

    def hold_up() -> None:
        enough.wait(60)
        free.set()

    def traced(recording: afar.ClusterRecording, function: Any) -> Any:
        client.loop.add_callback(hold_up)  # once it listens
        return usual(recording, function)

    usual = afar.ClusterRecording.traced
    monkeypatch.setattr(afar.ClusterRecording, "traced", traced)
    try:
        with pytest.raises(Unfinished):
            watch(client.map, nap, [0.1, 0.1], limit=1, pure=False)
        assert not free.is_set()
    finally:
        enough.set()
    assert client.submit(square, 3, pure=False).result(timeout=60) == 9


def test_a_killed_worker_costs_no_answer(client: Any) -> None:
    def die_once(number: int) -> int:  # within a function, so that it travels whole
        if number == 2 and not Event("died").is_set():
            Event("died").set()
            os.kill(os.getpid(), signal.SIGKILL)
        nap(0.1)
        return number

    run = watch(client.map, die_once, range(8), pure=False)
    assert run.results == list(range(8))
    assert repr(run) == "8 tasks on 2 workers, all finished"
    tries = [span for lane in run.lanes for span in lane.spans if span.task == 2]
    assert [span.died for span in sorted(tries, key=lambda span: span.start)] == [True, False]


def test_checkup_says_that_all_is_well(client: Any) -> None:
    client.wait_for_workers(2, timeout=60)
    assert [row[1:] for row in checkup(client, square).rows] == [
        ("127.0.0.1", "as here", "enough", "there")
    ] * 2
    for row in checkup(client, test_checkup_says_that_all_is_well).rows:
        assert row[-1].startswith("ModuleNotFoundError: No module named '")
    assert [row[-1] for row in checkup(client).rows] == ["there"] * 2


def test_checkup_names_other_versions(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = client.get_versions()
    for worker in told["workers"].values():
        worker["packages"]["msgpack"] = "0.1"
    monkeypatch.setattr(client, "get_versions", lambda: told)
    here = told["client"]["packages"]["msgpack"]
    assert [row[2] for row in checkup(client).rows] == [
        f"msgpack 0.1, here {here}: install the same on both"
    ] * 2


def _other_python() -> tuple[str, dict[str, str]]:
    """Return another Python of this machine, and the environment in which it takes our packages as its own.

    dask and what it needs are Python, or do without their compiled parts.
    """
    names = [f"python3.{minor}" for minor in range(16, 9, -1) if minor != sys.version_info[1]]
    found = [path for name in names if (path := shutil.which(name))]
    for name in names:
        found += map(str, Path.home().glob(f".pyenv/versions/{name[6:]}.*/bin/{name}"))
    env = os.environ | {"PYTHONPATH": os.pathsep.join([sysconfig.get_path("purelib"), str(ROOT / "src")])}
    for path in found:
        if not subprocess.run([path, "-c", "import distributed"], env=env, capture_output=True).returncode:
            return path, env
    pytest.skip(f"no second Python here that could be a worker: looked for {', '.join(names)}")


def test_a_worker_of_another_python_is_named_and_a_typed_function_kills_it() -> None:
    """A module's function runs there; one that travels as bytecode does not, from or to 3.13 and later."""
    python, env = _other_python()
    with Cluster(workers=1, settings={"distributed.scheduler.allowed-failures": 0}) as own:
        command = f"worker {own.address} --host 127.0.0.1 --nthreads 1 --no-dashboard --no-nanny --name other"
        worker = subprocess.Popen(
            [python, "-m", "dask", *command.split()], env=env, stderr=subprocess.DEVNULL
        )
        try:
            with Client(own.address) as client:
                client.wait_for_workers(2, timeout=60)
                with pytest.warns(UserWarning, match="Mismatched versions found") as warned:
                    versions = client.get_versions(check=True)
                here = versions["client"]["packages"]["python"]
                pythons = {one["packages"]["python"] for one in versions["workers"].values()}
                (there,) = pythons - {here}
                assert f"| python  | {here} | {here} |" in str(warned[0].message)
                assert f"python {there}, here {here}: install the same on both" in [
                    row[2] for row in checkup(client).rows
                ]
                assert client.submit(square, 5, workers=["other"]).result(timeout=60) == 25
                if max(int(one.split(".")[1]) for one in (there, here)) >= 13:
                    with pytest.raises(KilledWorker):
                        client.submit(lambda: 5, workers=["other"]).result(timeout=60)
                    assert worker.wait(30) != 0
        finally:
            worker.kill()
            worker.wait(30)


def test_another_release_is_told() -> None:
    """So does the scheduler of dask 2024.1 answer a client of today."""
    with LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as old:
        identity = old.scheduler.identity
        old.scheduler.handlers["identity"] = lambda: identity()
        with pytest.raises(NoCluster, match="unexpected keyword argument 'n_workers'") as caught:
            connect(old.scheduler_address, limit=5)
        assert "a dask of another release answers there" in str(caught.value)


@pytest.mark.skipif(not ROOT_ON_LINUX, reason="only root on Linux can mount a small disk")
def test_checkup_names_a_full_disk(cluster: Cluster, client: Any, tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.decode().strip()}")
    command = (
        f"worker {cluster.address} --host 127.0.0.1 --nthreads 1 --no-dashboard --no-nanny --name small "
        "--memory-limit 400MB"
    )
    log = tmp_path / "log"
    with log.open("w") as file:
        worker = subprocess.Popen(
            [sys.executable, "-m", "dask", *command.split(), "--local-directory", str(disk)],
            stderr=file,
        )
    try:
        client.wait_for_workers(3, timeout=60)
        (disk / "full").write_bytes(bytes(800_000))
        said = [row[3] for row in checkup(client).rows]
        assert sorted(said)[:2] == ["enough", "enough"]
        assert "full: 0 MB left, so it cannot spill results" in said
        written = client.submit(
            Path.write_bytes, disk / "more", bytes(2_000_000), pure=False, workers=["small"]
        )
        with pytest.raises(OSError, match="No space left on device"):
            written.result(timeout=60)
        held = client.map(os.urandom, [20_000_000] * 30, pure=False, workers=["small"])
        paused = (
            "full: 0 MB left, so it cannot spill results; its memory is full too, so it takes no more tasks"
        )
        wait_until(lambda: paused in [row[3] for row in checkup(client).rows], 30, "a worker that pauses")
        assert "Spill to disk failed; keeping data in memory" in log.read_text()
        assert "Pausing worker" in log.read_text()
        assert not all(future.done() for future in held)
    finally:
        worker.terminate()
        worker.wait(30)
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:1", "does `dask scheduler` run there"),
        ("127.0.0.1", "an address looks like tcp://10.0.0.1:8786"),
        ("tls://127.0.0.1:1", "hand its certificate over"),
    ],
)
def test_a_bad_address_is_told(address: str, words: str) -> None:
    with pytest.raises(NoCluster, match="no scheduler answers at") as caught:
        Cluster(address, limit=1)
    assert words in str(caught.value)


def test_no_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1"):
        Cluster(workers=0)


def test_a_cluster_that_runs_is_used_and_left_alone(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    with Cluster(cluster.address) as other:
        assert repr(other) == f"a cluster that runs at {cluster.address}"
        other.add_workers(1)
        assert f"run `dask worker {cluster.address} --nthreads 1`" in capsys.readouterr().out
        other.stop_workers()
        assert capsys.readouterr().out == "Its workers stay, since this cluster was not started here.\n"
    connect(cluster.address).close()


# Its words tell nothing of a cluster, or need no one: libraries side by side, the doors, exercises.
_ELSEWHERE = ("tools-", "fates-", "safe-", "slurm-", "others-", "ex1-", "ex2-", "ex3-", "home-", "paper-draw")


def test_the_lesson_runs_on_a_cluster_that_runs() -> None:
    """With an address in its one place, every cell answers as stored, but for those that say why not."""
    path = ROOT / "notebooks" / "14_beyond_one_machine.ipynb"
    lesson = canonical.read(path)
    lesson.cells = [cell for cell in lesson.cells if not cell.id.startswith(_ELSEWHERE)]
    stored = {cell.id: _said(cell) for cell in lesson.cells}
    with Cluster(settings={"distributed.scheduler.allowed-failures": 1}) as foreign:
        (place,) = (cell for cell in lesson.cells if 'ADDRESS = ""' in cell.source)
        place.source = place.source.replace('ADDRESS = ""', f'ADDRESS = "{foreign.address}"')
        executed = running.run(lesson, path)
        connect(foreign.address).close()
    other = {cell.id: said for cell in executed.cells if (said := _said(cell)) != stored[cell.id]}
    assert other == {
        "start-cluster": f"a cluster that runs at {foreign.address}",
        "gone-run": "Its workers stay, since this cluster was not started here.\n81\n",
        "gone-again": "No worker was added, since this cluster was not started here: "
        f"run `dask worker {foreign.address} --nthreads 1` on a host.\n81\n",
    }


def _said(cell: Any) -> str:
    """Return the text of a cell's compared outputs."""
    if canonical.VOLATILE in cell.metadata.get("tags", []):
        return ""
    return "".join(one.get("text") or one.data["text/plain"] for one in cell.get("outputs", []))


def test_without_workers_a_task_waits_and_is_not_lost() -> None:
    with Cluster(workers=1) as own, Client(own.address) as client:
        client.wait_for_workers(1, timeout=60)
        own.stop_workers()
        waiting = client.submit(square, 5)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        own.add_workers(1)
        assert waiting.result(timeout=60) == 25
    own.stop()  # a second time


def test_who_has_no_certificate_is_refused() -> None:
    ours, foreign = Security.temporary(), Security.temporary()
    quiet = {"processes": False, "dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with LocalCluster(n_workers=1, protocol="tls://", security=ours, **quiet) as guarded:
        address = guarded.scheduler_address
        with connect(address, security=ours) as known:
            assert known.submit(square, 5).result(timeout=60) == 25
        for security in (foreign, None):
            with pytest.raises(NoCluster, match="hand its certificate over"):
                connect(address, limit=5, security=security)
        with pytest.raises(NoCluster, match="no scheduler answers"):
            connect(address.replace("tls", "tcp"), limit=2)


PROGRAM = """
    import time
    from helpers.programs.cluster import Cluster
    if __name__ == "__main__":
        cluster = Cluster(workers=1)
        print(cluster.address, flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_cluster_ends_with_its_killed_process() -> None:
    mark = new_mark()
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=os.environ | {MARK: mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline().startswith("tcp://")
        wait_until(lambda: _roles(mark) >= {"dask scheduler", "dask worker command"}, 30, "the start")
    finally:
        owner.kill()
        owner.communicate(timeout=10)
    wait_until(lambda: not marked(mark), 30, "the end of the cluster")


def _roles(mark: str) -> set[str]:
    found = set()
    for process in marked(mark):
        try:
            found.add(classify(" ".join(process.cmdline()), "").name)
        except psutil.Error:
            continue
    return found
