"""Wrong answers to the exercises of 04; the right ones are the solutions in the notebook."""

from multiprocessing import get_all_start_methods

from tests.mutants.kinds import Worker

_SET = """\
    import multiprocessing
    multiprocessing.set_start_method(method{})
    context = multiprocessing"""
_SERIAL = "\n    return [function(item) for item in items]"
_THREADS = "    from multiprocessing.pool import ThreadPool\n    with ThreadPool(2) as pool:"
_ALL_AT_ONCE = "[put(queue, function, item) for item in items]\n    children = []"
_POSIX = "fork" in get_all_start_methods()
# Where spawn is the only method, the wrong one is the right one.
_ONLY_SPAWN = [("get_context(method)", 'get_context("spawn")', "child started by spawn")] * _POSIX
_MIXED = [
    (
        "queue = context.SimpleQueue()",
        "from multiprocessing import SimpleQueue\n    queue = SimpleQueue()",
        "take the queue and the children from one context",
    ),
    (
        "[context.Process(",
        "[__import__('multiprocessing').Process(",
        "child started by the default",
    ),
    (
        "queue = context.SimpleQueue()",
        'queue = get_context("fork").Queue()',
        "take the queue and the children from one context",
    ),
] * _POSIX
WORKERS = {
    "start_methods/under": Worker(
        "under",
        "",
        [
            *_ONLY_SPAWN,
            ("    context = get_context(method)", _SET.format(""), "may be called as often as you like"),
            ("    context = get_context(method)", _SET.format(", force=True"), "of the whole program"),
            ("(method, function, items):", "(method, function, items):" + _SERIAL, "main process called"),
            ("    with context.Pool(2) as pool:", _THREADS, "main process called"),
            ("return pool.map", "pool.map", "is a `return` missing"),
            ("pool.map(function, items)", "pool.map(function, items[1:])", "expected 5"),
            ("pool.map(function, items)", "pool.imap(function, items)", "expected a list"),
            ("pool.map(function, items)", "pool.map(function, sorted(items))", "not in the order"),
            ("pool.map(function, items)", "pool.apply(function, (items[0],))", "expected a list"),
            ("        return pool.map(function, items)", "        pass\n    return pool.map(function, items)",
             "Pool not running"),
        ],
    ),
    "start_methods/gather": Worker(
        "gather",
        "",
        [
            *_ONLY_SPAWN,
            *_MIXED,
            ("args=(queue, function, item)", "args=(queue, str, function(item))", "expected ["),
            ("[context.Process(target=put, args=(queue, function, item)) for item in items]", _ALL_AT_ONCE,
             "main process called"),
            ("    for child in children:\n        child.join()\n", "", "`join()` each of them"),
            ("return answers", "return answers[1:]", "expected 4"),
            ("return answers", "return None", "is a `return` missing"),
            ("return answers", "return [answer[1] for answer in answers]", "expected ["),
            ("return answers", "return [child.exitcode for child in children]", "expected ["),
            ("        child.start()\n", "        pass\n", "waits in `get()`"),
            ("    context = get_context(method)", _SET.format(""), "may be called as often as you like"),
        ],
    ),
    "start_methods/try-methods": Worker(
        "try_methods",
        "",
        [
            ("        child.kill()\n        child.join()\n", "", "`join()` each of them"),
            ("        child.kill()\n", "", "waits in `join()`"),
            ("        child.join(limit)\n", "        child.join()\n", "waits in `join()`"),
            ("        child.join(limit)\n", "", "expected 0"),
            ("type(error).__name__", "error", "expected"),
            ("type(error).__name__", "str(error)", "expected"),
            ("        except Exception as error", "        except OSError as error",
             "`start()` may raise"),
            ("            continue\n", "            break\n", "there is no entry for"),
            ("return ends", "return list(ends.values())", "expected a dictionary"),
            ("args=(argument,)", "args=()", "expected 0"),
            ("get_all_start_methods():", 'get_all_start_methods()[1:] or ["none"]:', "there is no entry for"),
            ("ends[method] = child.exitcode\n        child.kill()\n        child.join()\n",
             "child.kill()\n        child.join()\n        ends[method] = child.exitcode\n", "expected None"),
        ],
    ),
}  # fmt: skip
