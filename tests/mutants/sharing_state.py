"""Wrong answers to the exercises of 06; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker

_LOCKED = "        with counter.get_lock():\n            counter.value += 1"
_PAIR = """\
    with locks[first], locks[second]:
        balances[source] -= amount
        balances[target] += amount"""
_SAME = "    if source == target:\n        return\n"
_SORTED = "    first, second = sorted((source, target))\n"
_HANDED_OUT = "return bytes(block.buf[: len(data)])"
_PUT_AWAY = "    finally:\n        block.close()\n        block.unlink()\n"
_CODES = (
    "        if any(child.exitcode for child in children):\n"
    '            raise RuntimeError("a child failed")\n'
)
_EDGES = "[(0, middle), (middle, len(data))]"
_STARTED = (
    "        for child in children:\n            child.start()\n"
    "        for child in children:\n            child.join()\n"
)
_TO_THE_WORKER = f"""\
            Process(target=replace, args=(function, block.name, first, last))
            for first, last in {_EDGES}
        ]
{_STARTED}{_CODES}        {_HANDED_OUT}
{_PUT_AWAY}

def replace(function, name, first, last):"""

WORKERS = {
    "sharing_state/no-update-lost": Worker(
        "add",
        "",
        [
            (_LOCKED, "        counter.value += 1", "of its updates are lost"),
            (
                _LOCKED,
                "        with counter.get_lock():\n            number = counter.value\n"
                "        with counter.get_lock():\n            counter.value = number + 1",
                "3 of 6 of its updates are lost",
            ),
            (
                _LOCKED,
                "        with counter.get_lock():\n            number = counter.value\n"
                "        counter.value = number + 1",
                "of its updates are lost",
            ),
            (
                _LOCKED,
                "        number = counter.value\n        with counter.get_lock():\n"
                "            counter.value = number + 1",
                "of its updates are lost",
            ),
            (
                _LOCKED,
                "        with counter.get_lock():\n            pass\n        counter.value += 1",
                "of its updates are lost",
            ),
            (
                _LOCKED,
                "        from multiprocessing import Lock\n\n        with Lock():\n"
                "            counter.value += 1",
                "of its updates are lost",
            ),
            (
                _LOCKED,
                "        counter.get_lock().acquire()\n        counter.value += 1",
                "still holds the counter's lock",
            ),
            (_LOCKED, _LOCKED.replace("get_lock()", "get_lock"), "your code raised TypeError"),
            (_LOCKED, _LOCKED.replace("counter.value += 1", "counter += 1"), "your code raised TypeError"),
            ("counter.value += 1", "counter.value += 2", "it counted 6"),
            ("counter.value += 1", "counter.value = 1", "of its updates are lost"),
            ("range(times)", "range(times - 1)", "it counted 2"),
            ("range(times)", "range(3)", "two processes should have counted to 800"),
        ],
    ),
    "sharing_state/no-circle": Worker(
        "move",
        "",
        [
            (_SORTED, "    first, second = source, target\n", "Let all moves take them in one order"),
            (
                _SORTED,
                "    first, second = sorted((source, target), key=lambda account: account == source)\n",
                "Let all moves take them in one order",
            ),
            (
                _SORTED,
                "    first, second = sorted((source, target), key=lambda account: balances[account])\n",
                "without holding lock 0",
            ),
            (
                _SORTED,
                "    first, second = sorted((source, target), key=lambda account: amount % (account + 2))\n",
                "Let all moves take them in one order",
            ),
            (_SAME, "", "would wait for itself for ever"),
            ("with locks[first], locks[second]:", "if True:", "without holding lock 0"),
            ("with locks[first], locks[second]:", "with locks[first]:", "without holding lock 1"),
            ("with locks[first], locks[second]:", "with locks[source]:", "without holding lock 1"),
            (
                _PAIR,
                "    with locks[source]:\n        balances[source] -= amount\n"
                "    with locks[target]:\n        balances[target] += amount",
                "until both balances are changed",
            ),
            (
                _PAIR,
                "    with locks[source]:\n        balances[source] -= amount\n"
                "        with locks[target]:\n            balances[target] += amount",
                "without holding lock 1",
            ),
            (
                _PAIR,
                "    with locks[first], locks[second]:\n        pass\n"
                "    balances[source] -= amount\n    balances[target] += amount",
                "without holding lock 0",
            ),
            (
                _PAIR,
                "    locks[first].acquire()\n    locks[second].acquire()\n"
                "    balances[source] -= amount\n    balances[target] += amount",
                "lock 0 is still held at the end",
            ),
            ("balances[source] -= amount", "balances[source] += amount", "expected [98, 202, 300]"),
            ("balances[target] += amount", "balances[target] += 1", "expected [98, 202, 300]"),
        ],
    ),
    "sharing_state/map-bytes": Worker(
        "map_bytes",
        "",
        [
            ("        block.unlink()\n", "", "the block is still there"),
            (
                "        block.close()\n        block.unlink()\n",
                "        block.unlink()\n",
                "this process never closed it",
            ),
            (
                f"        {_HANDED_OUT}\n{_PUT_AWAY}",
                "        said = bytes(block.buf[: len(data)])\n        block.unlink()\n        return said\n"
                "    finally:\n        block.close()\n",
                "after a child's failure the block is still there",
            ),
            (_CODES, "", "a child failed, and it returned"),
            ("raise RuntimeError", "raise ValueError", "your code raised ValueError: a child failed"),
            (
                _STARTED,
                "        for child in children:\n            child.start()\n            child.join()\n",
                "worked one after the other",
            ),
            (_EDGES, "[(0, middle), (middle + 1, len(data))]", "at place 10000"),
            (_EDGES, "[(0, middle), (middle, 2 * middle)]", "at place 20000"),
            (_EDGES, "[(0, len(data))]", "one process did all"),
            (
                _STARTED,
                "        replace(function, block.name, 0, len(data))\n",
                "no other process took part",
            ),
            ('    if not data:\n        return b""\n', "", "your code raised ValueError"),
            (_HANDED_OUT, "return block.buf[: len(data)]", "your code raised BufferError"),
            (_HANDED_OUT, "return list(block.buf[: len(data)])", "expected bytes"),
            (_HANDED_OUT, "return bytes(block.buf[:middle])", "10000 bytes, expected 20001"),
            ("block.buf[place] = function(block.buf[place])", "function(block.buf[place])", "at place 0"),
            (
                _TO_THE_WORKER,
                _TO_THE_WORKER.replace("last))", "last, data))").replace("last):", "last, data):"),
                "a child was given 20,",
            ),
            (
                "    middle = len(data) // 2\n",
                "    from multiprocessing import Pool\n\n    with Pool(2) as pool:\n"
                "        return bytes(pool.map(function, data))\n    middle = len(data) // 2\n",
                "no block was made",
            ),
        ],
    ),
}
