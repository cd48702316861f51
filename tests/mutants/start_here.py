"""Wrong answers to the exercises of 00."""

from os.path import getsize

from helpers.workers.source import count_definitions, library_files
from tests.mutants.kinds import Worker, Wrong

FILES = library_files()
SIZES = list(map(getsize, FILES))

VALUES = {
    "start_here/sizes": (
        SIZES,
        [
            Wrong(map(getsize, FILES), "this is a map, expected the list"),
            Wrong(sum(SIZES), "this is a int"),
            Wrong(SIZES[:20], "there are 20 sizes"),
            Wrong(sorted(SIZES), "not in the order"),
            Wrong([count_definitions(path) for path in FILES], "numbers of definitions"),
            Wrong([len(path) for path in FILES], "the first file has"),
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
