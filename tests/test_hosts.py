"""Several hosts: network namespaces with addresses of their own, one cut off in the middle of a job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers.waiting import wait_until
from tests.test_wheel import build_wheel

# Each host is a namespace behind a bridge in the first one; the names are those of this process alone.
NET = "10.77.14"
HOSTS = ("a", "b", "c")
# How soon a silent host counts as gone; dask's own are 30 s and 5 minutes.
SETTINGS = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
}
JOB = """
import sys
from distributed import Client, as_completed
sys.path.insert(0, sys.argv[1])
import far

with Client("tcp://10.77.14.1:8786", timeout=30) as client:
    client.wait_for_workers(2, timeout=60)
    client.upload_file(sys.argv[1])
    futures = client.map(far.work, range(30), pure=False)
    for future in as_completed(futures):
        print("one is ready", flush=True)
        break
    sys.stdin.readline()
    answers = client.gather(futures)
    hosts = sorted(worker["host"] for worker in client.scheduler_info()["workers"].values())
    print([number for number, _ in answers] == list(range(30)), sorted({host for _, host in answers}), hosts)
"""
# A package of its own.
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "far"
version = "1.0"
"""
FAR = """
import time
from distributed import get_worker

def work(number):
    time.sleep(0.2)
    return number, get_worker().address.rpartition(":")[0].rpartition("/")[2]
"""


def ip(*words: str) -> None:
    """Run iproute2; raise CalledProcessError with what it says."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def hosts() -> Iterator[Callable[[str], str]]:
    """Make three hosts; give a function from a host to the name of its namespace."""
    if sys.platform != "linux" or not shutil.which("ip"):
        pytest.skip("hosts are network namespaces of Linux, made by `ip` (Debian: apt install iproute2)")

    def name(host: str) -> str:
        return f"h{os.getpid()}{host}"

    with ExitStack() as end:
        hub = name("x")
        try:
            for one in (hub, *map(name, HOSTS)):
                ip("netns", "add", one)
                end.callback(ip, "netns", "del", one)
            ip("-n", hub, "link", "add", "bridge", "type", "bridge")
            ip("-n", hub, "link", "set", "bridge", "up")
            for number, host in enumerate(HOSTS, 1):
                ip(
                    "-n",
                    hub,
                    "link",
                    "add",
                    f"to-{host}",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "eth0",
                    "netns",
                    name(host),
                )
                ip("-n", hub, "link", "set", f"to-{host}", "master", "bridge", "up")
                ip("-n", name(host), "addr", "add", f"{NET}.{number}/24", "dev", "eth0")
                ip("-n", name(host), "link", "set", "eth0", "up")
                ip("-n", name(host), "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not permitted here: {error.stderr.decode().strip()}")
        yield name


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Give the wheel of a package that no host has; dask wants it to be called .zip."""
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "__init__.py").write_text(FAR)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    built = build_wheel(tmp_path, tmp_path / "built")
    return built.rename(built.with_suffix(".zip"))


def test_one_host_of_three_is_cut_off_and_nothing_is_lost(
    hosts: Callable[[str], str], wheel: Path, tmp_path: Path
) -> None:
    """The scheduler and the client are on a, workers on b and c; c falls silent after the first answer.

    The workers get the function by a wheel, from the client alone.
    """
    scheduler = f"scheduler --host {NET}.1 --port 8786 --no-dashboard"
    running: list[subprocess.Popen[str]] = []

    def start(host: str, command: list[str], folder: str) -> subprocess.Popen[str]:
        here = tmp_path / folder
        here.mkdir()
        with (here / "log").open("w") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", hosts(host), sys.executable, *command],
                cwd=here,
                env=os.environ | SETTINGS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        running.append(process)
        return process

    try:
        start("a", ["-m", "dask", *scheduler.split()], "scheduler")
        for number, host in enumerate(HOSTS[1:], 2):
            command = (
                f"worker tcp://{NET}.1:8786 --host {NET}.{number} --nthreads 1 --no-dashboard --no-nanny"
            )
            start(host, ["-m", "dask", *command.split(), "--local-directory", "."], f"worker-{host}")
        client = start("a", ["-c", JOB, str(wheel)], "client")
        assert client.stdout is not None
        assert client.stdin is not None
        first = client.stdout.readline()
        assert first == "one is ready\n", (tmp_path / "client" / "log").read_text()
        ip("-n", hosts("x"), "link", "set", "to-c", "down")
        client.stdin.write("\n")
        client.stdin.flush()
        wait_until(lambda: client.poll() is not None, 90, "the end of the job")
        said = client.stdout.read()
        assert said == f"True ['{NET}.2'] ['{NET}.2']\n" or said.startswith("True ["), said
        assert said.endswith(f"['{NET}.2']\n"), "c is no longer one of the cluster's hosts"
    finally:
        for process in running:
            process.kill()
            process.wait(20)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
