"""Wrong answers to the exercises of 07; the right ones are the solutions in the notebook."""

import json
from pathlib import Path

from tests.mutants.kinds import Worker

_LEAK = "    pool = Pool(2)\n    if True:\n"
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
_COMPLETED = "        for future in as_completed(futures):\n"
_REPORT = "            report(path, answers[path])\n"
_AT_THE_END = "    for item in answers.items():\n        report(*item)\n    return answers"

WORKERS = {
    "pool/several-arguments": Worker(
        "powers",
        "",
        [
            ("pool.starmap(pow, pairs)", "[pow(*pair) for pair in pairs]", "no other process took part"),
            ("pool.starmap", "pool.map", "TypeError"),
            ("Pool(2)", "Pool(1)", "one process did all 6 tasks"),
            ("(pow, pairs)", "(pow, pairs, chunksize=6)", "one process did all 6 tasks"),
            ("pool.starmap(pow, pairs)", "[pool.apply(pow, pair) for pair in pairs]", "one after the other"),
            ("(pow, pairs)", "(pow, pairs[::-1])", "not in the order"),
            ("(pow, pairs)", "(pow, pairs[1:])", "5 powers, expected 6"),
            ("return pool.starmap", "pool.starmap", "it returned None"),
            ("pool.starmap(pow, pairs)", "pool.starmap_async(pow, pairs)", "expected a list"),
            ("return pool.starmap(pow, pairs)", "return [1024, 81, 1, 49, 125, 0]", "no other process"),
            ("    with Pool(2) as pool:\n", _LEAK, "use `with Pool(...) as pool:`"),
            (
                "    with Pool(2) as pool:\n",
                "    powers.kept = pool = Pool(2)\n    if True:\n",
                "still running",
            ),
        ],
    ),
    "pool/one-fails": Worker(
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
    "pool/as-they-come": Worker(
        "tally",
        "",
        [
            (_COMPLETED, "        for future in futures:\n", "while the first file was held up"),
            (_REPORT, "", "never called"),
            ("report(path, answers[path])", "report(answers[path], path)", "call report(path, number)"),
            (
                "report(path, answers[path])",
                "report(path, answers[path]), report(path, 0)",
                f"was called {2 * len(list(Path(json.__file__).parent.glob('*.py')))} times",
            ),
            ("path = futures[future]", "path = paths[len(answers)]", "need to know their path"),
            ("for path in paths}", "for path in paths[1:]}", "lacks __init__.py"),
            ("ProcessPoolExecutor(2)", "ProcessPoolExecutor(1)", "one process did all"),
            ("    return answers", "    return list(answers.items())", "expected a dictionary"),
            ("    return answers", "    return paths", "expected a dictionary"),
            (
                "    answers = {}\n",
                "    answers = {path: function(path) for path in paths}\n"
                "    for item in answers.items():\n        report(*item)\n    return answers\n",
                "no other process took part",
            ),
            (
                "            answers[path] = future.result()\n" + _REPORT,
                "            answers[path] = future.result()\n",
                "never called",
            ),
            (_REPORT + "    return answers", _AT_THE_END, "while the first file was held up"),
            (
                "    with ProcessPoolExecutor(2) as executor:\n",
                "    tally.kept = executor = ProcessPoolExecutor(2)\n    if True:\n",
                "still running",
            ),
        ],
    ),
}
