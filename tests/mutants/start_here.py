"""Wrong answers to the exercises of 00."""

from tests.mutants.kinds import Worker

_MAPPED = "pool.map(getsize, files)"

WORKERS = {
    "start_here/sizes": Worker(
        "sizes",
        "",
        [
            (_MAPPED, "[getsize(file) for file in files]", "no other process took part"),
            (_MAPPED, "sum(pool.map(getsize, files))", "expected a list"),
            (_MAPPED, "pool.map(getsize, files[:3])", "it returned 3 sizes, expected 5"),
            (_MAPPED, "sorted(pool.map(getsize, files))", "not in the order of the files"),
            (_MAPPED, "pool.map(len, files)", "expected [20, 0"),
            (_MAPPED, "pool.map_async(getsize, files)", "expected a list: one for each file"),
            (_MAPPED, "[pool.apply(getsize, (file,)) for file in files]", "one after the other"),
            ("Pool(2)", "Pool(1)", "one process did all 5 tasks"),
            ("return pool", "pool", "is a `return` missing?"),
        ],
    ),
    "start_here/count-lines": Worker(
        "count_lines",
        "",
        [
            ("len(file.readlines())", "len(file.read())", "expected 2"),
            ('open(path, "rb")', 'open(path, encoding="ascii")', "UnicodeDecodeError"),
            ("return len(file.readlines())", "print(len(file.readlines()))", "returned None"),
            ("len(file.readlines())", 'file.read().count(b"\\n")', "expected 3"),
            ("len(file.readlines())", "missing", "NameError: name 'missing' is not defined (line 5"),
            ("return len(file.readlines())", "__import__('os')._exit(3)", "a worker ended with exit code 3"),
            ("return len(file.readlines())", "raise SystemExit(4)", "a worker ended with exit code 4"),
            ("len(file.readlines())", "int(input())", "asks for `input()`"),
        ],
    ),
    "start_here/map-files": Worker(
        "map_files",
        "",
        [
            (
                "parmap.map(function, paths, pm_processes=2)",
                "map(function, paths)",
                "no other process took part",
            ),
            ("pm_processes=2", "pm_parallel=False", "no other process took part"),
            ("pm_processes=2", "pm_processes=1", "one process did all 5 tasks"),
            ("zip(paths, parmap", "zip(sorted(paths), parmap", "another file's result"),
            ("map(function, paths, ", "map(function, paths[1:], ", "4 of the 5 paths"),
            ("return dict(zip(", "return list(zip(", "expected a dictionary"),
            ("import parmap\n", "", "a file of its own: does it import or define `parmap`?"),
            (
                "parmap.map(function, paths, pm_processes=2)",
                "([one] for one in parmap.map(function, paths, pm_processes=2))",
                "for one.py it holds [1], expected 1",
            ),
            (
                "parmap.map(function, paths, pm_processes=2)",
                "parmap.map_async(function, paths, pm_pool=__import__('multiprocessing').Pool(2)).get()",
                "never closed",
            ),
            (
                "return dict",
                "map_files.pool = __import__('multiprocessing').Pool(2)\n    return dict",
                "2 processes are still running",
            ),
        ],
    ),
}
