"""Wrong answers to the exercises of 08; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker

_HANDLES = "        handles = [pool.apply_async(function, (item,)) for item in items]\n"
_GATHERED = "        return [answer_or_none(handle) for handle in handles]\n"
_UNORDERED = """\
        arriving = pool.imap_unordered(function, items)
        answers = []
        for _ in items:
            try:
                answers.append(arriving.next(60))
            except ValueError:
                answers.append(None)
        return answers
"""
_ALL_OR_NOTHING = """\
        try:
            return pool.map(function, items)
        except ValueError:
            return [None for item in items]
"""
_WITHOUT = "        return [one for one in map(answer_or_none, handles) if one is not None]\n"
_ASKED = "        return [one.get() if one.successful() else None for one in handles]\n"
_SET_UP = "    with Pool(2, initializer=load, initargs=(pairs,)) as pool:\n"
_WAITS = "            handle.wait(max(0, deadline - monotonic()))\n"
_DONE = "        done = {item: handle for item, handle in handles.items() if handle.ready()}\n"
_TOLD = "        return {item: handle.get() for item, handle in done.items() if handle.successful()}"

WORKERS = {
    "pool_at_work/load-once": Worker(
        "translate",
        "",
        [
            (_SET_UP, "    load(pairs)\n    with Pool(2) as pool:\n", "the main process read the pairs"),
            (_SET_UP, "    with Pool(2) as pool:\n", "it returned [None"),
            (
                "        return pool.map(look_up, words)",
                "        return [look_up(word) for word in words]",
                "None",
            ),
            ("pool.map(look_up, words)", "pool.map(look_up, words[1:])", "5 answers, expected 6"),
            ("pool.map(look_up, words)", "pool.map(look_up, pairs)", "3 answers, expected 6"),
            ("pool.map(look_up, words)", "pool.map(look_up, words[::-1])", "not in the order"),
            ("        return pool", "        pool", "it returned None"),
            ("Pool(2, ", "Pool(1, ", "one process did all 6 tasks"),
            ("look_up, words)", "look_up, words, chunksize=6)", "one process did all 6 tasks"),
            ("    meaning.update(pairs)\n", "    meaning.update(pairs), meaning.update(pairs)\n", "2 times"),
            ("initargs=(pairs,)", "initargs=pairs", "it raised TypeError: load()"),
            (
                _SET_UP + "        return pool.map(look_up, words)",
                "    with Pool(2) as pool:\n"
                "        return pool.starmap(load_and_look_up, [(word, pairs) for word in words])\n\n\n"
                "def load_and_look_up(word, pairs):\n    load(pairs)\n    return look_up(word)\n",
                "a worker read the pairs",
            ),
        ],
    ),
    "pool_at_work/one-fails": Worker(
        "tolerant",
        "",
        [
            (
                _HANDLES + _GATHERED,
                "        return pool.map(function, items)\n",
                "ask for each answer by itself",
            ),
            (_HANDLES + _GATHERED, _UNORDERED, "not in the order"),
            (_HANDLES + _GATHERED, _ALL_OR_NOTHING, "expected [4, None, 3, 5, None, 0]"),
            (_GATHERED, _WITHOUT, "4 answers, expected 6"),
            (_GATHERED, _ASKED, "`successful()` was asked before the task had ended"),
            (_GATHERED, "        return handles\n", "expected [4, None, 3, 5, None, 0]"),
            ("return handle.get(timeout=60)", "return handle.get(timeout=0)", "it returned [None, None"),
            ("except Exception", "except TypeError", "ask for each answer by itself"),
            ("        return None", "        return 0", "expected [4, None, 3, 5, None, 0]"),
            ("Pool(2)", "Pool(1)", "one process did all 6 tasks"),
            (
                "        handles = [",
                _HANDLES + "        handles = [",
                "called 12 times",
            ),
            (
                _GATHERED,
                "    return [answer_or_none(handle) for handle in handles]\n",
                "waits in `get()`, but the pool has ended",
            ),
            (
                "    with Pool(2) as pool:\n",
                "    pool = Pool(2)\n    if True:\n",
                "use `with Pool(...) as pool:`",
            ),
        ],
    ),
    "pool_at_work/in-time": Worker(
        "in_time",
        "",
        [
            (_WAITS, "            handle.wait()\n", "for all items together you waited"),
            (_WAITS, "            handle.wait(seconds)\n", "for all items together you waited"),
            (_WAITS, "            pass\n", "expected {16: 4"),
            (_DONE, "        done = handles\n", "not ready"),
            (" if handle.successful()}", "}", "leave that item out"),
            (
                _DONE + _TOLD,
                "        return {item: handle.get(1) for item, handle in handles.items()}",
                "a timeout",
            ),
            (
                _TOLD,
                "        return [handle.get() for handle in done.values() if handle.successful()]",
                "a dictionary",
            ),
            ("Pool(2)", "Pool(1)", "it returned {}"),
            ("{item: handle.get() for", "{handle.get(): item for", "expected {16: 4"),
            (
                "(function, (item,)) for item in items}",
                "(function, (item,)) for item in items[2:]}",
                "expected {16: 4",
            ),
            (
                "    with Pool(2) as pool:\n",
                "    in_time.kept = pool = Pool(2)\n    if True:\n",
                "still running",
            ),
        ],
    ),
}
