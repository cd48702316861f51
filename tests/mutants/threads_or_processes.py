"""Wrong answers to the exercises of 01; the right modules are the solutions in the notebook."""

from tests.mutants.kinds import Worker, Wrong

RIGHT = {
    "download 40 pages": "threads",
    "count primes in a Python loop": "processes",
    "sha256 of large files, each in one piece": "threads",
    "put arrays of Python objects in order": "processes",
    "put arrays of numbers in order with NumPy": "threads",
    "sum(range(50_000_000)), eight times": "processes",
}

VALUES = {
    "threads_or_processes/choices": (
        RIGHT,
        [
            Wrong({**RIGHT, "download 40 pages": "processes"}, "waiting needs no GIL"),
            Wrong({**RIGHT, "count primes in a Python loop": "threads"}, "in turns"),
            Wrong({**RIGHT, "sha256 of large files, each in one piece": "processes"}, "for large pieces"),
            Wrong({**RIGHT, "put arrays of Python objects in order": "threads"}, "compared by Python"),
            Wrong({**RIGHT, "put arrays of numbers in order with NumPy": "processes"}, "for plain numbers"),
            Wrong({**RIGHT, "sum(range(50_000_000)), eight times": "threads"}, "from beginning to end"),
            Wrong(dict.fromkeys(RIGHT, "threads"), "not threads; threads run Python code in turns"),
            Wrong(dict.fromkeys(RIGHT, "processes"), "not processes; it waits"),
            Wrong({**RIGHT, "download 40 pages": "asyncio"}, 'expected "threads" or "processes"'),
            Wrong({**RIGHT, "download 40 pages": True}, "you say True"),
            Wrong({"download 40 pages": "threads"}, "is missing or not among them"),
            Wrong({**RIGHT, "sleep": "threads"}, "'sleep' is missing or not among them"),
            Wrong(list(RIGHT.values()), "this is a list"),
        ],
    )
}

_MAP = "pool.map(look, limits, chunksize=1)"
_THREADS = "threads.map(fetch, items, chunksize=1)"
_INNER = "from multiprocessing import Pool\n"
_WITH = "with Pool(2) as processes, ThreadPool(4) as threads:"

WORKERS = {
    "threads_or_processes/own-memory": Worker(
        "primes_below",
        "",
        [
            (
                "from multiprocessing import Pool",
                "from multiprocessing.pool import ThreadPool as Pool",
                "no other process took part",
            ),
            (_MAP, "map(look, limits)", "no other process took part"),
            ("Pool(2)", "Pool(1)", "one process did all 4 tasks"),
            ("chunksize=1", "chunksize=4", "one process did all 4 tasks"),
            (_MAP, "[pool.apply(look, (limit,)) for limit in limits]", "one after the other"),
            ("        return dict", "        dict", "it returned None"),
            (f"dict(zip(limits, {_MAP}))", _MAP, "expected a dictionary"),
            ("zip(limits,", "zip(sorted(limits),", "for [60, 10, 30, 20] it returned"),
            ("pool.map(look, limits,", "pool.map(look, limits[1:],", "lacks 20"),
            ("pool.map(look,", "pool.imap_unordered(len_of,", "NameError"),
            (
                f"        return dict(zip(limits, {_MAP}))",
                f"        {_MAP}\n    return found\n\n\nfound = {{}}",
                "each process filled its own",
            ),
            (
                f"        return dict(zip(limits, {_MAP}))",
                f"        found.update(zip(limits, {_MAP}))\n    return found\n\n\nfound = {{}}",
                "from an earlier call",
            ),
            (
                "    with Pool(2) as pool:\n",
                "    primes_below.kept = pool = Pool(2)\n    if True:\n",
                "still running",
            ),
        ],
    ),
    "threads_or_processes/fetch-and-compute": Worker(
        "fetch_and_compute",
        "",
        [
            (_THREADS, "list(map(fetch, items))", "waited alone"),
            ("ThreadPool(4)", "ThreadPool(1)", "waited alone"),
            ("fetch, items, chunksize=1", "fetch, items, chunksize=4", "waited alone"),
            (_THREADS, "[threads.apply(fetch, (item,)) for item in items]", "waited alone"),
            ("threads.map(fetch", "processes.map(fetch", "`fetch` waits, and cannot be sent to a process"),
            ("return processes.map", "return threads.map", "no other process took part"),
            ("Pool(2) as", "Pool(1) as", "one process did all"),
            (
                "threads.map(fetch, items, chunksize=1), chunksize=1)",
                "threads.map(fetch, items, chunksize=1), chunksize=4)",
                "one process did all",
            ),
            ("        return", "        _ =", "it returned None"),
            (_THREADS, f"{_THREADS}[::-1]", "not in the order"),
            (_THREADS, "items", "it returned [16, 1, 9, 4]"),
            (_THREADS, "[threads.map(fetch, items, chunksize=1), threads.map(fetch, items)][0]", "8 times"),
            ("processes.map(compute, ", "processes.imap(compute, ", "expected a list"),
            (
                _WITH,
                "processes = fetch_and_compute.kept = Pool(2)\n    with ThreadPool(4) as threads:",
                "still running",
            ),
        ],
    ),
}
