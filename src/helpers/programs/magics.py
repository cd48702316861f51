"""Two cell magics: `%%program` runs the cell as a script, `%%workers` makes it a module for children.

Both are there as soon as `helpers` is imported in a notebook.
"""

import argparse
import ast
import importlib
import importlib.util
import keyword
import linecache
import os
import shlex
import sys
import time
import types
import unicodedata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from helpers.processes import multiprocessing_internals as internals
from helpers.processes.folders import new_folder
from helpers.processes.kernel import prepare_for_the_end
from helpers.programs import calm, cells, late_output
from helpers.programs.program import Outcome, run_program
from helpers.programs.start_methods import ORDER
from helpers.programs.withdrawn import Withdrawn, empty

_STARTERS = {"Pool", "Process", "ProcessPoolExecutor", "Manager", "ThreadPool"}
_emptied: dict[str, types.ModuleType] = {}  # modules whose cell failed, kept for its next version
_folders: dict[int, Path] = {}  # by PID, so that a forked child never takes its parent's folder for its own


def register() -> None:
    """`%%program` and `%%workers` exist in the running IPython; without one, nothing happens."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None or "workers" in shell.magics_manager.magics["cell"]:
        return

    def workers(line: str, cell: str) -> None:
        """Save the cell as a module of workers: %%workers my_workers."""
        write_workers(line.strip(), cell, shell.user_ns, cells.running_id())

    def program(line: str, cell: str) -> Outcome:
        """Run the cell as a script: %%program [--under METHOD] [--limit SECONDS] [--into NAME] [NAME.py]."""
        options = _program_options(line)
        outcome = run_program(cell + "\n", limit=options.limit, name=options.name, method=options.under)
        if options.into:
            shell.push({options.into: outcome})
        return outcome

    def withdraw_unmade(name: str) -> None:
        withdraw(name, shell.user_ns, "makes it no more")

    cells.follow(shell, withdraw_unmade)
    calm.install(shell)
    late_output.install(shell)
    shell.register_magic_function(workers, "cell", "workers")
    shell.register_magic_function(program, "cell", "program")
    prepare_for_the_end(shell)


def load_ipython_extension(shell: object) -> None:
    """The magics and calm errors are there from the kernel's start, before the first cell has run."""
    register()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """Raise instead of leaving the interpreter, as argparse would."""
        raise ValueError(
            f"{message}: write %%program [--under METHOD] [--limit SECONDS] [--into VARIABLE] [NAME.py]"
        )


def _program_options(line: str) -> argparse.Namespace:
    parser = _Parser(prog="%%program", add_help=False, exit_on_error=False)
    parser.add_argument("--limit", type=float, default=10.0)
    parser.add_argument("--into", default="")
    parser.add_argument("--under", choices=ORDER)
    parser.add_argument("name", nargs="?", default="program.py")
    try:
        options = parser.parse_args(shlex.split(line))
    except argparse.ArgumentError as error:
        parser.error(str(error))
    if Path(options.name).name != options.name or not options.name.endswith(".py"):
        parser.error(f"{options.name!r} is not a file name that ends in .py")
    return options


def write_workers(
    name: str, source: str, namespace: dict[str, Any], cell: str | None = None
) -> types.ModuleType:
    """Make the module `name` hold `source`: on disk, here, in `namespace`, in each child started later.

    Functions that were taken out of an earlier version (`from my_workers import shout`) are replaced in
    `namespace` and in the other modules of the folder.  When the source cannot be imported, the earlier
    version goes as well: what runs is what can be read.  `cell` is the id of the notebook's cell, if known.
    Raises SyntaxError, ValueError for a name that cannot be used, and whatever the source raises when it is
    imported.
    """
    name = unicodedata.normalize("NFKC", name)
    path = workers_folder() / f"{name}.py"
    _refuse_name(name, path)
    cells.note_made(name, cell)
    module = sys.modules.get(name) or _emptied.pop(name, None) or types.ModuleType(name)
    before = dict(vars(module))
    text_before = path.read_text(encoding="utf-8") if path.exists() else source
    try:
        tree = ast.parse(source, path.name)
        compile(tree, path.name, "exec")
        _refuse_starting_at_import(tree, name)
        _save(path, source)
        vars(module).clear()  # what the source no longer has must be gone here as it is in children
        module.__name__ = name
        sys.modules[name] = module
        importlib.reload(module)
    except BaseException as error:
        vars(module).update(before)
        withdraw(name, namespace, f"failed when it ran last ({type(error).__name__})", module)
        raise
    for names in [namespace, *_other_modules(module)]:
        _renew(names, before, module)
    _renew_fork_server(name)
    namespace[name] = module
    _warn_of_running(name, text_before != source)
    print(_summary(name, tree))
    return module


def withdraw(name: str, namespace: dict[str, Any], why: str, module: types.ModuleType | None = None) -> None:
    """Take a module of workers away, from disk and from memory; using what was taken from it says why.

    `why` completes the sentence "the cell `%%workers name` …".
    """
    module = module or sys.modules.get(name)
    if module is None:
        return
    sys.modules.pop(name, None)
    path = workers_folder() / f"{name}.py"
    path.unlink(missing_ok=True)
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    importlib.invalidate_caches()
    sentence = f"the cell `%%workers {name}` {why}, so there is no {name}: mend the cell and run it again"
    taken = _own_names(name, vars(module))
    for names in [namespace, *_other_modules(module)]:
        for key, value in list(names.items()):
            if id(value) in taken:
                names[key] = Withdrawn(name, taken[id(value)], sentence)
    empty(module, sentence)
    _emptied[name] = namespace[name] = module
    _renew_fork_server(name)


def _other_modules(module: types.ModuleType) -> list[dict[str, Any]]:
    """Return the names of each other module that was made from a cell."""
    return [vars(other) for other in list(sys.modules.values()) if _is_ours(other) and other is not module]


def workers_folder() -> Path:
    """Return the folder of worker modules: private, on `sys.path`, removed when this process ends."""
    if os.getpid() not in _folders:
        _folders[os.getpid()] = folder = new_folder("workers")
        sys.path.insert(0, str(folder))
    return _folders[os.getpid()]


def _refuse_name(name: str, path: Path) -> None:
    """Raise ValueError unless a module of this name would be found here and nowhere else."""
    example = "for example: %%workers my_workers"
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} is not a name for a module: use one word of letters, digits and _, {example}"
        )
    elsewhere = [folder for folder in sys.path if folder != str(path.parent)]
    loaded = name in sys.modules and not _is_ours(sys.modules[name])
    spec = None if path.exists() else PathFinder.find_spec(name, elsewhere)
    if loaded or spec is not None or name in sys.stdlib_module_names or name == "helpers":
        where = f" ({spec.origin})" if spec is not None and spec.origin else ""
        raise ValueError(f"there is already a module called {name!r}{where}: choose another name, {example}")


def _is_ours(module: Any) -> bool:
    """Return True for a module that was made from a cell."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).parent == _folders.get(os.getpid())


def _refuse_starting_at_import(tree: ast.Module, name: str) -> None:
    """Raise ValueError when importing the module would start processes: each child imports it, too."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
            continue
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in _STARTERS:
                raise ValueError(
                    f"line {node.lineno} of {name}.py calls {called}(...) when the file is imported, and "
                    "every child imports it: move the call into a function"
                )


def _save(path: Path, source: str) -> None:
    """Write the source so that no bytecode of an earlier version is taken for it.

    Python trusts bytecode when the source has the same size and the same time in whole seconds, so an edit
    within a second could go unseen: each version is at least one second younger than the one before.
    """
    before = path.stat().st_mtime if path.exists() else 0.0
    path.write_text(source, encoding="utf-8")
    moment = max(time.time(), before + 1)
    os.utime(path, (moment, moment))
    importlib.invalidate_caches()
    # Without a time, lines are kept though the file may go: tracebacks of a cell that failed show its own.
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))


def _own_names(name: str, names: dict[str, Any]) -> dict[int, str]:
    """Return what is defined in the module itself: the name of each object by its id."""
    return {id(value): key for key, value in names.items() if getattr(value, "__module__", None) == name}


def _renew(namespace: dict[str, Any], before: dict[str, Any], module: types.ModuleType) -> None:
    """Replace what `namespace` holds of the module's earlier version by what has the same name now.

    What has no such name any more is withdrawn.
    """
    own = module.__name__
    name_of = _own_names(own, before)
    for key, value in list(namespace.items()):
        missing = isinstance(value, Withdrawn) and value.module == own
        name = value.name if missing else name_of.get(id(value))
        if name is not None and name in vars(module):
            namespace[key] = getattr(module, name)
        elif name is not None:
            sentence = (
                f"the cell `%%workers {own}` makes no `{name}` any more: write it there, or use another"
            )
            namespace[key] = Withdrawn(own, name, sentence)


def _renew_fork_server(name: str) -> None:
    """Stop a fork server that holds the module's earlier version; the next start brings up a new one."""
    if internals.fork_server_holds(name):
        internals.stop_fork_server(limit=1.0)  # one whose children go on leaves with the last of them


def _warn_of_running(name: str, changed: bool) -> None:
    """Say so when workers that are already running keep the earlier version."""
    if changed and any(_is_running(child.pid) for child in internals.children()):
        print(
            f"Processes that are already running keep the earlier {name}: make a new pool.", file=sys.stderr
        )


def _is_running(pid: int | None) -> bool:
    import psutil

    from helpers.processes.roles import is_alive

    try:
        return pid is not None and is_alive(psutil.Process(pid))
    except psutil.Error:
        return False


def _summary(name: str, tree: ast.Module) -> str:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = [
        statement.name for statement in tree.body if isinstance(statement, kinds) and statement.name[0] != "_"
    ]
    return f"{name}.py saved and imported: {', '.join(names)}" if names else f"{name}.py saved and imported"
