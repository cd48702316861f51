"""Refuse a function that a child process could not import, before anything is started with it.

Standard library only, and quick: it is asked before each pool and each watch.
"""

import functools
import os
import sys
import types
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from typing import Any

from helpers.programs.withdrawn import Withdrawn

_CURE = "write it in a `%%workers my_workers` cell and pass `my_workers.{name}`"


class NotImportable(TypeError):  # noqa: N818 - it reads as what it says
    """A worker process could not import this function; the message says why and what to do."""


def refuse_unimportable(function: Callable[..., Any]) -> None:
    """Return quietly when a child process can import `function` under every start method.

    Builtins, classes, functions of importable modules and of a script's own `__main__` pass; so do partials,
    bound methods and callable objects whose parts pass.  Raises NotImportable, in one sentence that names the
    cure.
    """
    if isinstance(function, Withdrawn):
        raise NotImportable(f"{function.sentence[0].upper()}{function.sentence[1:]}.")
    if not callable(function):
        raise NotImportable(f"{function!r} is not a function: pass the function itself, without calling it.")
    for part in _parts(function):
        _refuse_named(part)


def _parts(function: Any) -> list[Any]:
    """Return the functions and classes that pickle stores by name when it stores `function`."""
    if isinstance(function, functools.partial):
        values = [function.func, *function.args, *function.keywords.values()]
        return [part for value in values if callable(value) for part in _parts(value)]
    if isinstance(function, types.MethodType):
        return _parts(function.__self__)
    if isinstance(function, types.FunctionType | type) or hasattr(function, "__wrapped__"):
        return [function]
    if isinstance(function, types.BuiltinFunctionType) and function.__module__:
        return [function]
    state = [value for value in getattr(function, "__dict__", {}).values() if callable(value)]
    return [type(function), *(part for value in state for part in _parts(value))]


def _refuse_named(part: Any) -> None:
    """Raise NotImportable unless `part` is what a child finds under its module and name."""
    name, module_name = part.__qualname__, part.__module__
    if module_name in ("builtins", "__mp_main__"):
        return
    plain, cure = part.__name__, _CURE.format(name=part.__name__)
    if plain == "<lambda>":
        raise NotImportable(
            "A lambda has no name by which a worker process could import it: write it as a function with "
            "`def` in a `%%workers my_workers` cell and pass that function."
        )
    if "<locals>" in name:
        raise NotImportable(
            f"`{plain}` is defined inside `{name.split('.<locals>')[0]}`, where a worker process cannot "
            f"import it: {cure}."
        )
    if module_name == "__main__" and _typed():
        reason = f"`{plain}` is typed in a cell, and a worker process cannot import a cell"
        raise NotImportable(f"{reason}: {cure}.")
    module = sys.modules.get(module_name)
    if module is None or not _findable(module):
        raise NotImportable(
            f"`{plain}` belongs to the module `{module_name}`, which a worker process cannot find on "
            f"`sys.path`: {cure}."
        )
    found: Any = module
    for step in name.split("."):
        found = getattr(found, step, None)
    if found is not part:
        raise NotImportable(
            f"This `{plain}` is not the one that `{module_name}` holds now (it was replaced or removed "
            f"since you took it), so a worker would import something else: pass `{module_name}.{name}` again."
        )


def _typed() -> bool:
    """Return True when `__main__` is typed by hand: a notebook, a console, `python -c`."""
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None:
        return True
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is not None:  # python -m package
        return False
    return not os.path.isfile(getattr(main, "__file__", None) or "")  # noqa: PTH113 - pathlib is slow to import


def _findable(module: types.ModuleType) -> bool:
    """Return True when a fresh interpreter with this one's sys.path finds the module."""
    if module.__name__ == "__main__":
        return True
    spec = getattr(module, "__spec__", None)
    if spec is None or (spec.has_location and not os.path.exists(spec.origin or "")):  # noqa: PTH110
        return False
    top = module.__name__.partition(".")[0]
    process = sys.modules.get("multiprocessing.process")  # spawn replaces '' by the folder of the start
    start = getattr(process, "ORIGINAL_DIR", None) or os.getcwd()  # noqa: PTH109
    # Absolute paths, because finders remember where a relative one pointed before a change of directory.
    paths = [os.path.abspath(path) if path else start for path in sys.path]  # noqa: PTH100
    if PathFinder.find_spec(top, paths) is not None:
        return True
    others = [finder for finder in sys.meta_path if finder is not PathFinder]
    names_builtin = BuiltinImporter.find_spec(top) or FrozenImporter.find_spec(top)
    return names_builtin is not None or any(
        find(top, None) is not None for finder in others if (find := getattr(finder, "find_spec", None))
    )
