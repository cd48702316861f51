"""Wrong answers to the exercises of 00."""

from tests.mutants.kinds import Worker, Wrong

VALUES = {
    "start_here/chunks": (
        (8, 2),
        [
            Wrong((7, 2), "two tasks are left over"),
            Wrong((10, 3), "it is not 10 chunks"),
            Wrong((8, 4), "the last one has not 4 tasks"),
        ],
    )
}

WORKERS = {
    "start_here/count-lines": Worker(
        "count_lines",
        "",
        [
            ("len(file.readlines())", "len(file.read())", "expected 2"),
            ('open(path, "rb")', 'open(path, encoding="ascii")', "UnicodeDecodeError"),
            ("return len(file.readlines())", "print(len(file.readlines()))", "returned None"),
            ("len(file.readlines())", 'file.read().count(b"\\n")', "expected 3"),
            ("len(file.readlines())", "missing", "NameError: name 'missing' is not defined (line 4"),
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
