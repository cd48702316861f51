"""Wrong answers to the exercises of 07; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker

_LEAK = "    pool = Pool(2)\n    if True:\n"
_JOINED = """\
                pool.close()
                pool.join()
                return answer
"""
_IN_WORKERS = """\
def tally(function, paths, report):
    with Pool(2) as pool:
        return dict(pool.imap_unordered(partial(_reporting, function, report), paths))


def _reporting(function, report, path):
    answer = function(path)
    report(path, answer)
    return path, answer


def _unused(function, paths, report):
"""
_ARRIVING = "        for path, answer in pool.imap_unordered(partial(with_path, function), paths):\n"
_REPORT = "            report(path, answer)\n"
_AT_THE_END = "    for item in answers.items():\n        report(*item)\n    return answers"

WORKERS = {
    "pool/several-arguments": Worker(
        "powers",
        "",
        [
            ("pool.starmap(pow, pairs)", "[pow(*pair) for pair in pairs]", "no other process took part"),
            ("pool.starmap", "pool.map", "TypeError"),
            ("pool.starmap(pow, pairs)", "pool.map(lambda pair: pow(*pair), pairs)", "use no `lambda`"),
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
    "pool/first-hit": Worker(
        "first_hit",
        "",
        [
            ("pool.imap_unordered(function, items)", "pool.map(function, items)", "you waited for that one"),
            ("pool.imap_unordered", "pool.imap", "you waited for that one"),
            ("pool.imap_unordered(function, items)", "map(function, items)", "you waited for that one"),
            ("            if answer:\n", "            if True:\n", "it returned 0"),
            ("if answer:", "if not answer:", "it returned 0"),
            ("                return answer\n", "                return True\n", "it returned True"),
            ("                return answer\n", _JOINED, "`join()` and an executor's `with` for all tasks"),
            ("                return answer\n", "                answer\n", "you waited for that one"),
            ("    return None", "    return 0", "expected None"),
            ("    return None", "    return answer", "expected None"),
            ("Pool(2)", "Pool(1)", "you waited for that one"),
            ("items):\n            if", "items, chunksize=5):\n            if", "you waited for that one"),
            ("    with Pool(2) as pool:\n", _LEAK, "use `with Pool(...) as pool:`"),
        ],
    ),
    "pool/as-they-come": Worker(
        "tally",
        "",
        [
            ("pool.imap_unordered(", "pool.imap(", "while the first file was held up"),
            ("pool.imap_unordered(", "pool.map(", "while the first file was held up"),
            ("def tally(function, paths, report):\n", _IN_WORKERS, "`report` was handed to a worker"),
            (_REPORT, "", "never called"),
            (
                "report(path, answer)\n    return",
                "report(answer, path)\n    return",
                "call report(path, number)",
            ),
            (_REPORT, 2 * _REPORT, "files `report` was called"),
            ("answers[path] = answer", "answers[paths[len(answers)]] = answer", "need to know their path"),
            ("function), paths):", "function), paths[1:]):", "lacks __init__.py"),
            ("Pool(2)", "Pool(1)", "one process did all"),
            ("    return answers", "    return list(answers.items())", "expected a dictionary"),
            ("    return answers", "    return paths", "expected a dictionary"),
            (
                _ARRIVING,
                "        for path, answer in map(partial(with_path, function), paths):\n",
                "no other process took part",
            ),
            (_REPORT + "    return answers", _AT_THE_END, "while the first file was held up"),
            (
                "    with Pool(2) as pool:\n",
                "    tally.kept = pool = Pool(2)\n    if True:\n",
                "still running",
            ),
        ],
    ),
}
