"""Who a process says it is."""

import multiprocessing
import os
import pickle

import pytest

from helpers.workers.identity import Identity, identity


def test_in_this_process() -> None:
    me = identity()
    assert me.name == multiprocessing.current_process().name
    assert (me.pid, me.parent_pid) == (os.getpid(), os.getppid())


def test_reads_as_a_sentence() -> None:
    main = Identity("MainProcess", 13248, None, 13201)
    assert repr(main) == str(main) == "MainProcess (pid 13248, child of 13201)"
    assert f"{main}" == str(main)


def test_travels_between_processes_and_cannot_be_changed() -> None:
    me = identity()
    assert pickle.loads(pickle.dumps(me)) == me
    with pytest.raises(AttributeError):
        me.pid = 1  # type: ignore[misc]


def test_a_child_knows_its_parent() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        child = pool.apply(identity)
        pool.close()
        pool.join()
    assert child.pid != os.getpid()
    assert child.parent_pid == os.getpid()
    assert child.parent_name == multiprocessing.current_process().name
