"""Wrong answers to the exercises of 10; the right ones are the solutions in the notebook."""

import sys

from tests.mutants.kinds import Worker

_ONE_LINE = "    return parmap.starmap(plane, product(xs, ys), 3, 0.5, pm_processes=2)"
_LOOP = "    return [plane(x, y, 3, 0.5) for x in xs for y in ys]"
_OWN_ERROR = """\
    if workers < 1:
        raise ValueError(workers)
    return [function(item) for item in items]"""
_UNCLOSED = """\
    from multiprocessing import Pool

    global pool
    pool = Pool(2)
    return parmap.starmap(plane, product(xs, ys), 3, 0.5, pm_pool=pool)"""
_GUARDED = """\
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return parmap.map(function, items, pm_processes=workers)"""
_LATE = """\
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        found = parmap.map(function, items, pm_processes=workers)
    if said:
        raise RuntimeError("serial")
    return found"""
_FOR_EVERYBODY = """\
    warnings.simplefilter("error", UserWarning)
    return parmap.map(function, items, pm_processes=workers)"""
_ANY_WARNING = _LATE.replace(", UserWarning", "")
# Its turn is fork's up to 3.13; from 3.12 on fork warns of threads, so a call that parmap serves raises, too.
_OTHER_WARNING = (
    "your code raised RuntimeError: serial"
    if (3, 12) <= sys.version_info < (3, 14)
    else "nothing to do with parmap made it raise RuntimeError"
)
_COUNTED = """\
    if workers < 1:
        raise ValueError(workers)
    return parmap.map(function, items, pm_processes=workers)"""
_MAP = "parmap.map(count, paths, word, pm_processes=2)"
_WITH_POOL = "parmap.map(count, paths, word, pm_pool=__import__('multiprocessing').Pool(2))"

WORKERS = {
    "parmap/grid": Worker(
        "grid",
        "",
        [
            ("pm_processes=2", "pm_parallel=False", "no other process took part"),
            ("pm_processes=2", "pm_processes=0", "no other process took part"),
            ("pm_processes=2", "pm_processes=1", "one process did all"),
            ("pm_processes=2", "pm_processes=2, pm_chunksize=100", "one process did all"),
            ("pm_processes=2", "pm_processes=2, pm_chunksize=0", "None"),
            ("product(xs, ys)", "zip(xs, ys)", "the pairs of `zip`"),
            ("product(xs, ys)", "product(xs[1:], ys)", "expected 12"),
            ("product(xs, ys)", "[(x, y) for y in ys for x in xs]", "not in the order"),
            ("product(xs, ys)", "product(ys, xs)", "expected [8.0"),
            ("3, 0.5,", "3, -0.5,", "expected [8.0"),
            ("parmap.starmap(", "parmap.starmap_async(", "expected a list"),
            ("starmap(plane, product(xs, ys),", "map(plane, xs, ys,", "TypeError"),
            ("    return parmap", "    parmap", "`return`"),
            (_ONE_LINE, _LOOP, "no other process took part"),
            (_ONE_LINE, _UNCLOSED, "still running"),
        ],
    ),
    "parmap/no-fallback": Worker(
        "map_or_raise",
        "",
        [
            (_GUARDED, "    return parmap.map(function, items, pm_processes=workers)", "without an error"),
            (_GUARDED, _LATE, "after this process had done the work"),
            (_GUARDED, _FOR_EVERYBODY, "use `with warnings.catch_warnings():`"),
            (_GUARDED, _ANY_WARNING, _OTHER_WARNING),
            (_GUARDED, _COUNTED, "where the system refuses a pool, and parmap warns, it returned [16, 1"),
            ('"error", UserWarning', '"error"', "make only `UserWarning` an error"),
            ('"error", UserWarning', '"ignore", UserWarning', "without an error"),
            ("pm_processes=workers", "pm_processes=max(2, workers)", "without an error"),
            ("pm_processes=workers", "pm_parallel=workers > 2", "no other process took part"),
            ("function, items, pm", "function, sorted(items), pm", "not in the order"),
            ("function, items, pm", "function, list(items)[1:], pm", "expected 6"),
            ("        return parmap", "        parmap", "`return`"),
            (_GUARDED, _OWN_ERROR, "no other process took part"),
        ],
    ),
    "parmap/mentions": Worker(
        "mentions",
        "",
        [
            ("pm_processes=2", "pm_parallel=False", "no other process took part"),
            ("pm_processes=2", "pm_processes=1", "one process did all"),
            (_MAP, "[count(path, word) for path in paths]", "no other process took part"),
            (_MAP, _WITH_POOL, "use `with Pool"),
            ("count, paths, word,", "count, paths[:-1], word,", "ValueError"),
            (" if number]", "]", "expected 5"),
            ("-pair[1]", "pair[1]", "not in the order"),
            ("lambda pair: -pair[1]", "lambda pair: (-pair[1], pair[0])", "not in the order"),
            ("lambda pair: -pair[1])", "lambda pair: (pair[1], pair[0]), reverse=True)", "not in the order"),
            ("return sorted(found, key=lambda pair: -pair[1])", "return found", "not in the order"),
            ("return sorted(", "sorted(", "`return`"),
            ("return sorted(found, key=lambda pair: -pair[1])", "return dict(found)", "expected a list"),
            (', errors="replace"', "", "UnicodeDecodeError"),
            ('"utf-8", errors="replace"', '"latin-1"', "expected 1"),
            (".count(word)", '.count("pool")', "expected 5"),
            (".count(word)", ".split().count(word)", "expected "),
            ("(path, number) for", "(Path(path).name, number) for", "expected [("),
        ],
    ),
}  # fmt: skip
