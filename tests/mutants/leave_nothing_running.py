"""Wrong answers to the exercises of 09; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker, Wrong

_WITH = "    with Pool(2) as pool:\n        return pool.map(function, items)"
_BEFORE = "    pool = Pool(2)\n"
_MAP = "pool.map(function, items)"
_PROMISED = "        promised = [pool.apply_async(function, (item,)) for item in items]\n"
_EXECUTOR = """\
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as executor:
        promised = [executor.submit(function, item) for item in items]
        return [_result(one, seconds) for one in promised]


def _result(promise, seconds):
    import concurrent.futures

    try:
        return promise.result(seconds)
    except concurrent.futures.TimeoutError:
        return None
"""
_ANSWERS = "        return [_answer(one, seconds) for one in promised]\n"

VALUES = {
    "leave_nothing_running/alive": (
        [3, 2, 0, 0, 1],
        [
            Wrong([5, 2, 0, 0, 1], "line 1"),
            Wrong([3, 4, 0, 0, 1], "line 2"),
            Wrong([3, 2, 4, 0, 1], "line 3"),
            Wrong([3, 2, 0, 3, 1], "line 4"),
            Wrong([3, 2, 0, 0, 5], "line 5"),
            Wrong(["3", 2, 0, 0, 1], "line 1: expected a number"),
            Wrong([3, 2], "5 numbers"),
            Wrong(7, "expected a list"),
        ],
    )
}
WORKERS = {
    "leave_nothing_running/after-an-error": Worker(
        "run_all",
        "",
        [
            (
                _WITH,
                f"{_BEFORE}    answers = {_MAP}\n    pool.close()\n    return answers\n",
                "after the error",
            ),
            (
                _WITH,
                f"{_BEFORE}    answers = {_MAP}\n    pool.close()\n    pool.join()\n    return answers\n",
                "after the error, 2 processes still run",
            ),
            (_WITH, f"{_BEFORE}    return {_MAP}\n", "after the error"),
            (
                _WITH,
                f"{_BEFORE}    try:\n        return {_MAP}\n    finally:\n        pool.close()\n",
                "zombies",
            ),
            (_WITH, "    return [function(item) for item in items]\n", "no other process"),
            (_MAP, "[pool.apply(function, (item,)) for item in items]", "one after the other"),
            ("Pool(2)", "Pool(1)", "one process did all"),
            (_MAP, f"{_MAP}[::-1]", "order"),
            ("pool.map(function, items)", "pool.map(function, items[1:])", "3 answers, expected 4"),
            (_WITH, "    return [3, 4, 5, 0]\n", "no other process"),
            (
                _WITH,
                f"    try:\n        with Pool(2) as pool:\n            return {_MAP}\n"
                "    except ValueError:\n        return []\n",
                "let the error through",
            ),
            (_MAP, "pool.map_async(function, items)", "expected a list"),
        ],
    ),
    "leave_nothing_running/answers-in-time": Worker(
        "answers_in_time",
        "",
        [
            ("    with Pool(2) as pool:\n", "    pool = Pool(2)\n    if pool:\n", "still running"),
            (
                "    with Pool(2) as pool:\n",
                '    globals()["kept"] = pool = Pool(2)\n    if pool:\n',
                "still run",
            ),
            (
                _ANSWERS,
                f"        pool.close()\n        pool.join()\n{_ANSWERS}",
                "until the last task has ended",
            ),
            ("promise.get(seconds)", "promise.get()", "as in `get(seconds)`"),
            ("        return None", "        raise", "TimeoutError came out"),
            ("import Pool, TimeoutError", "import Pool", "is not the built-in one"),
            ("in promised]", "in reversed(promised)]", "order"),
            ("for item in items]", "for item in items[1:]]", "one for each"),
            (
                "(item,)) for item in items]",
                "(item,)) for item in items if item != 'endless']",
                "one for each",
            ),
            (
                _ANSWERS,
                "        return [one.get() for one in promised if one.wait(seconds) or one.ready()]\n",
                "one for each",
            ),
            ("with Pool(2)", "with Pool(1)", "one process did all"),
            (_PROMISED + _ANSWERS, "        return [function(item) for item in items]\n", "no other process"),
            ("    with Pool(2) as pool:\n" + _PROMISED + _ANSWERS, _EXECUTOR, "an executor's `with` ends no"),
            (_ANSWERS, "        return [None for item in items]\n", "expected"),
            (
                _PROMISED,
                "        promised = []\n        for item in items:\n"
                "            promised.append(pool.apply_async(function, (item,)))\n"
                "            promised[-1].wait()\n",
                "one after the other",
            ),
        ],
    ),
}
