"""Wrong answers to the exercises of 15; the right programs are the solutions in the notebook."""

import json
import multiprocessing
from pathlib import Path

from tests.mutants.kinds import Wrong

_NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "15_porting_clinic.ipynb"


def _program(cell_id: str) -> str:
    """Return the program of a cell, without its magic."""
    cells = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    (source,) = ["".join(cell["source"]) for cell in cells if cell["id"] == cell_id]
    return source.partition("\n")[2]


def _edited(right: str, *edits: tuple[str, str]) -> str:
    """Return the program with each edit made; one that does not apply any more is an error."""
    for old, new in edits:
        assert old in right, f"the solution does not contain this any more: {old}"
        right = right.replace(old, new)
    return right


_FORK = "fork" in multiprocessing.get_all_start_methods()
_LAZY = "lazy cure" if _FORK else "cannot find context"
_DIAGNOSES = ["nested", "object", "guard", "global", "thread", "late"]
_PRICES, _STOCK = _program("ex2-solution"), _program("ex3-solution")
_PINNED = (
    "from multiprocessing import Pool\n",
    'from multiprocessing import get_context\nPool = get_context("fork").Pool\n',
)
_SET = (
    '__main__":\n',
    '__main__":\n    import multiprocessing\n\n    multiprocessing.set_start_method("fork", force=True)\n',
)
_BOUND = "partial(convert, rate=rate)"
_ALONE = (
    f"    with Pool(2) as pool:\n        print(pool.map({_BOUND}, [1, 2, 3]))",
    "    print([convert(one, rate) for one in (1, 2, 3)])",
)
_GLOBAL = (("def convert(price, rate)", "def convert(price)"), (_BOUND, "convert"))
_LATE = (*_GLOBAL, ("def convert", "rate = 2.0\n\n\ndef convert"))
_UNGUARDED = ('if __name__ == "__main__":\n    main()', "main()")
_INHERITED = (
    '    with Pool(2, initializer=open_stock, initargs=("stock.db", more)) as pool:\n',
    '    open_stock("stock.db", more)\n    with Pool(2) as pool:\n',
)
_CONNECTION = (
    ("sqlite3.connect(path), more", "path, more"),
    ('=("stock.db"', '=(sqlite3.connect("stock.db")'),
)
_TABLE = '    sqlite3.connect("stock.db").executescript(STOCK)\n'
_ABOVE = ((_TABLE, ""), ("\n\n\ndef open_stock", f"\n{_TABLE.strip()}\n\n\ndef open_stock"))
_OTHER_ORDER = ('["cap", "ink", "pen"]', '["pen", "ink", "cap"]')

VALUES = {
    "porting_clinic/diagnose": (
        _DIAGNOSES,
        [
            Wrong(["object", *_DIAGNOSES[1:]], "sign 1"),
            Wrong(["nested", "nested", *_DIAGNOSES[2:]], "sign 2"),
            Wrong([*_DIAGNOSES[:2], "thread", *_DIAGNOSES[3:]], "sign 3"),
            Wrong([*_DIAGNOSES[:3], "late", *_DIAGNOSES[4:]], "sign 4"),
            Wrong([*_DIAGNOSES[:4], "object", "late"], "sign 5"),
            Wrong([*_DIAGNOSES[:5], "global"], "sign 6"),
            Wrong(["lambda", *_DIAGNOSES[1:]], "none of the words"),
            Wrong(_DIAGNOSES[:5], "6 words"),
            Wrong("nested", "expected a list"),
        ],
    ),
    "porting_clinic/repair": (
        _PRICES,
        [
            Wrong(_edited(_PRICES, _PINNED), _LAZY),
            Wrong(_edited(_PRICES, _SET), _LAZY),
            Wrong(_edited(_PRICES, *_LATE), "sets afterwards" if _FORK else "it prints"),
            Wrong(_edited(_PRICES, *_GLOBAL), "nothing that is set below the guard"),
            Wrong(_edited(_PRICES, ('if __name__ == "__main__":', "if True:")), "bootstrapping phase"),
            Wrong(_edited(_PRICES, _ALONE), "no process"),
            Wrong(_edited(_PRICES, (_BOUND, "lambda one: one * rate")), "cannot be pickled"),
            Wrong(_edited(_PRICES, ("rate=rate", "rate=2.0")), "expected [3.0, 6.0, 9.0]"),
            Wrong(_edited(_PRICES, ("        print(", "        (")), "it prints ''"),
            Wrong(_edited(_PRICES, ("price, rate):", "price, rate)")), "not Python yet"),
            Wrong(_edited(_PRICES, ("pool.map(", "pool.map_async(")), "expected [3.0, 6.0, 9.0]"),
            Wrong(7, "expected a program"),
        ],
    ),
    "porting_clinic/port": (
        _STOCK,
        [
            Wrong(_edited(_STOCK, _PINNED), _LAZY),
            Wrong(_edited(_STOCK, _UNGUARDED), "not below the guard"),
            Wrong(_edited(_STOCK, *_CONNECTION), "cannot be pickled"),
            Wrong(_edited(_STOCK, *_ABOVE), "not below the guard"),
            Wrong(_edited(_STOCK, _INHERITED), "nothing that is set below the guard"),
            Wrong(_edited(_STOCK, ("connect(path), more", "connect(path), 0")), "expected [15, 12, 13]"),
            Wrong(_edited(_STOCK, _OTHER_ORDER), "expected [5, 2, 3]"),
            Wrong("print([5, 2, 3])\n", "no process"),
            Wrong(_edited(_STOCK, ("map(count", "map(lambda item: count(item)")), "cannot be pickled"),
            Wrong(_edited(_STOCK, ("connect(path)", 'connect("")')), "no such table"),
        ],
    ),
}
