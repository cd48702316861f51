"""Rules of form about teaching: plain Python first, one cell one role, take it home, sizes and minutes.

Each is a function of a notebook that yields sentences; `tools.form` collects them with its own.
"""

import ast
import re
import statistics
from collections.abc import Iterator
from typing import Any

from tools import AuthoringError, canonical, minutes
from tools.reading import (
    Notebook,
    calls,
    code_lines,
    dotted,
    headings,
    parsed,
    tags,
    tree,
    without_code,
    words,
)

HOME = "home-run"
MOST_HOME_LINES = 25
# What may stand before plain code, and in a solution: none of these goes around a call of multiprocessing.
FREE = {"check", "doctor", "family"}
# What a tool is put around: anything shaped like map, of a pool, an executor or parmap.
SHAPED_LIKE_MAP = {
    "apply",
    "apply_async",
    "imap",
    "imap_unordered",
    "map",
    "map_async",
    "starmap",
    "starmap_async",
    "submit",
}
EXERCISE_HEADING = re.compile(r"### Exercise (\d+): (?:fill in|change|from scratch)\b")
PREDICT = "**Predict.**"


def plain_first(notebook: Notebook) -> Iterator[str]:
    """Require that each call stood as plain code, in an earlier cell, before a helper is put around it."""
    ours, theirs, plain = _imported(notebook)[0] - FREE, _foreign(notebook), set[str]()
    for cell in _demonstrations(notebook):
        found = tree(cell)
        tools = [call for call in calls(found) if isinstance(call.func, ast.Name) and call.func.id in ours]
        around = sorted({dotted(tool.func) for tool in tools})
        if tools:
            for name in sorted(_handed_over(found, tools, theirs) - plain):
                plain.add(name)  # one complaint is enough
                yield (
                    f"cell {cell.id} puts {' and '.join(around)} around {name} before {name}(…) stood plain: "
                    "call it in an earlier cell, written as its own documentation writes it"
                )
        for tool in tools:
            rows = [_called(row, theirs) for row in _rows(tool)]
            if rows and not any(row <= plain for row in rows):
                missing = min((row - plain for row in rows), key=len)
                yield (
                    f"cell {cell.id}: none of the {len(rows)} lines that {dotted(tool.func)} takes as text "
                    "stood as code before: run one of them in an earlier cell, the nearest needs "
                    + ", ".join(sorted(missing))
                )
        plain |= {dotted(call.func) for call in calls(found)}


def workers_read_first(notebook: Notebook) -> Iterator[str]:
    """Require that `getsource` prints a worker of `helpers.workers`, compared, before it is used."""
    shown: set[str] = set()
    workers = _imported(notebook)[1]
    for cell in _demonstrations(notebook):
        found = tree(cell)
        printed = [
            node for call in calls(found) if dotted(call.func).endswith("getsource") for node in call.args
        ]
        names = {dotted(node).split(".")[0] for node in printed}
        if names and canonical.VOLATILE not in tags(cell) and cell.outputs:
            shown |= names
        for name in sorted(_used(cell, found, workers) - names - shown):
            shown.add(name)  # one complaint is enough
            yield (
                f"cell {cell.id} uses the worker {name} before a reader has seen it: "
                f"print(getsource({name})) in an earlier cell, or define it in a %%workers cell"
            )


def take_home(notebook: Notebook) -> Iterator[str]:
    """Require a complete program to take home, between Recall and goodbye, and solutions without helpers."""
    ids = [cell.id for cell in notebook.cells]
    cell = next((one for one in notebook.code if one.id == HOME), None)
    if cell is None:
        yield f"no cell {HOME}: end with a complete guarded program (%%program NAME.py) that needs no helpers"
    else:
        yield from (f"cell {HOME}: {what}" for what in _program(cell))
        recall = next(
            (index for index, one in enumerate(notebook.cells) if "## Recall" in one.source), len(ids)
        )
        if not recall < ids.index(HOME) < (ids.index("goodbye") if "goodbye" in ids else len(ids)):
            yield f"cell {HOME}: expected below ## Recall and above goodbye"
        if "Take it home" not in [text for one in notebook.prose for _, text in headings(one.source)]:
            yield f"cell {HOME}: expected below a heading `## Take it home`"
    tools = _imported(notebook)[0]
    for one in notebook.code:
        if "solution" in tags(one) and (names := _needs_helpers(one, tools)):
            yield (
                f"cell {one.id} needs {', '.join(sorted(names))} from helpers, which nobody can take home: "
                "only check is allowed in a solution"
            )


def one_role(notebook: Notebook) -> Iterator[str]:
    """Require X-predict, X-run right below it, X-explain right below the outputs, each a cell of its own."""
    cells = notebook.cells
    ids = [cell.id for cell in cells]
    for index, cell in enumerate(cells):
        stem, _, role = cell.id.rpartition("-")
        if role == "predict":
            yield from (f"cell {cell.id}: {what}" for what in _prediction(cell))
            following = cells[index + 1] if index + 1 < len(cells) else None
            if following is None or following.cell_type != "code" or following.id != f"{stem}-run":
                yield f"cell {cell.id}: expected the code cell {stem}-run right below it"
            if f"{stem}-explain" not in ids:
                yield f"cell {cell.id}: no cell {stem}-explain answers it"
        elif cell.cell_type == "markdown" and re.search(r"[*_]{2}Predict", cell.source, re.IGNORECASE):
            yield f"cell {cell.id} holds a prediction: give it a cell of its own, {stem or 'x'}-predict"
        if role == "explain":
            above = index - 1
            while above > 0 and cells[above].cell_type == "code" and ids[above] != f"{stem}-run":
                above -= 1
            if cell.cell_type != "markdown" or ids[above] != f"{stem}-run":
                yield f"cell {cell.id}: expected right below {stem}-run, nothing but code between them"
            if headings(cell.source):
                yield f"cell {cell.id}: an explanation stands above the next heading: give that a cell"


def heading_begins(notebook: Notebook) -> Iterator[str]:
    """Require that a heading begins its cell; `### Exercise 1` may follow `## Exercises` there."""
    for cell in notebook.prose:
        rest = cell.source
        while found := re.match(r"\s*#{1,6} .*(?:\n|$)", rest):
            rest = rest[found.end() :]
        if late := headings(rest):
            yield f"cell {cell.id}: the heading {late[0][1]!r} is not at its beginning: begin a cell with it"


def rituals(notebook: Notebook) -> Iterator[str]:
    """Require one spelling of exercises' headings and of solutions, and that solutions are checked."""
    for task in minutes.task_cells(notebook):
        number = task.id[2:].split("-")[0]
        found = [match[1] for line in task.source.splitlines() if (match := EXERCISE_HEADING.match(line))]
        if found != [number]:
            yield f"cell {task.id}: expected `### Exercise {number}: fill in` (or: change, from scratch)"
        solutions = [cell for cell in notebook.code if cell.id.startswith(f"ex{number}-solution")]
        if not any("check(" in cell.source for cell in solutions):
            yield (
                f"exercise {number}: nothing checks its solution: add check(…), "
                f"or a cell ex{number}-solution-check"
            )
        for cell in solutions:
            if "solution" not in tags(cell):
                yield f"cell {cell.id} is not folded: tag it solution"
    for cell in notebook.code:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%%")]
        if "solution" in tags(cell) and lines[:1] != ["# Solution"]:
            yield f"cell {cell.id}: expected `# Solution` as first line (below %%workers): the fold shows it"


def without_solutions(notebook: Notebook) -> Iterator[str]:
    """Require that no cell needs a name that a solution alone makes: a learner's copy has none to run."""
    makes: dict[bool, set[str]] = {True: set(), False: set()}
    for cell in notebook.code:
        makes["solution" in tags(cell)] |= _made(cell)
    for cell in notebook.code:
        if "solution" not in tags(cell) and not cell.source.startswith("%%"):
            needs = {one.id for one in ast.walk(tree(cell)) if isinstance(one, ast.Name)}
            if late := sorted(needs & (makes[True] - makes[False])):
                yield (
                    f"cell {cell.id} needs {', '.join(late)}, which solutions alone make: a learner's copy "
                    "runs none, so let the stub make it"
                )


def _made(cell: Any) -> set[str]:
    """Return the names that a cell binds: variables, functions, classes, imports, modules of %%workers."""
    made = {cell.source.split()[1]} if cell.source.startswith("%%workers ") else set()
    for one in tree(cell).body:
        if isinstance(one, ast.FunctionDef | ast.ClassDef):
            made.add(one.name)
        elif isinstance(one, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).partition(".")[0] for alias in one.names}
        else:
            made |= {
                name.id
                for name in ast.walk(one)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
    return made


def sizes(notebook: Notebook) -> Iterator[str]:
    """Require prose of 40 words a cell in the median, nine of ten under 90; code of 3 lines, and 9."""
    prose = {cell.id: len(words(cell.source)) for cell in notebook.prose}
    code = {
        cell.id: code_lines(cell)
        for cell in notebook.code
        if "solution" not in tags(cell) and cell.id != HOME
    }
    for what, sized, middle, most in [
        ("words a prose cell", prose, 40, 90),
        ("lines a code cell", code, 3, 9),
    ]:
        if len(sized) < 2:
            continue
        median, tenth = (
            statistics.median(sized.values()),
            statistics.quantiles(sized.values(), n=10, method="inclusive")[-1],
        )
        longest = ", ".join(
            f"{name} {size}" for name, size in sorted(sized.items(), key=lambda one: -one[1])[:5]
        )
        if median > middle or tenth > most:
            yield (
                f"{what}: median {median:g}, nine of ten up to {tenth:.0f}; expected at most {middle} "
                f"and {most}. The longest: {longest}"
            )


def measured_minutes(notebook: Notebook) -> Iterator[str]:
    """Require minutes on the title that are the measured ones, 10 to 35, and minutes for each exercise."""
    for cell in minutes.task_cells(notebook):
        if not minutes.DECLARED.search(cell.source):
            yield f"cell {cell.id}: say how long you needed, in a line that begins with *4 minutes*"
    if not notebook.content.metadata.get(canonical.RUN):
        yield "its running time is not known: run `python -m tools write`"
        return
    try:
        found = minutes.measured(notebook)
    except AuthoringError:
        return  # `opening` has said so
    if not found.agrees:
        yield (
            f"the title says {found.title} minutes; measured {found.total:.1f}: {found.words} words "
            f"at {minutes.WORDS_A_MINUTE} a minute, {found.seconds} s of running, "
            f"{found.exercises} minutes of exercises"
        )
    if not minutes.FEWEST <= found.title <= minutes.MOST:
        yield f"{found.title} minutes: expected {minutes.FEWEST} to {minutes.MOST}; a longer lesson is two"


RULES = (
    plain_first,
    workers_read_first,
    take_home,
    one_role,
    heading_begins,
    rituals,
    without_solutions,
    sizes,
    measured_minutes,
)


def _demonstrations(notebook: Notebook) -> list[Any]:
    """Return the code cells that a reader runs from top to bottom: without the folded solutions."""
    return [cell for cell in notebook.code if "solution" not in tags(cell)]


def _imported(notebook: Notebook) -> tuple[set[str], set[str]]:
    """Return the names that come from helpers: (all but the workers, those from helpers.workers)."""
    tools: set[str] = set()
    workers: set[str] = set()
    for cell in notebook.code:
        for module, name in _imports(tree(cell)):
            if module.startswith("helpers"):
                (workers if module.startswith("helpers.workers") else tools).add(name)
    return tools, workers


def _foreign(notebook: Notebook) -> set[str]:
    """Return the names that the notebook imports from elsewhere."""
    found = [one for cell in notebook.code for one in _imports(tree(cell))]
    return {name for module, name in found if not module.startswith("helpers")}


def _imports(found: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (module, the name that it gets in this file) for each import."""
    for node in ast.walk(found):
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                full = (
                    f"{node.module}.{one.name}" if node.module == "helpers" and one.name == "workers" else ""
                )
                yield full or str(node.module), one.asname or one.name
        elif isinstance(node, ast.Import):
            for one in node.names:
                yield one.name, one.asname or one.name.split(".")[0]


def _handed_over(found: ast.AST, tools: list[ast.Call], theirs: set[str]) -> set[str]:
    """Return the callables that a cell hands over without calling them, `pool.map` for instance."""
    called = {id(call.func) for call in calls(found)}
    inner = {id(node.value) for node in ast.walk(found) if isinstance(node, ast.Attribute)}
    loose = {
        dotted(node)
        for node in ast.walk(found)
        if isinstance(node, ast.Attribute) and id(node) not in called | inner and node.attr in SHAPED_LIKE_MAP
    }
    names = {node.id for tool in tools for node in tool.args if isinstance(node, ast.Name)}
    return loose | (names & (theirs | {"map"}))


def _rows(tool: ast.Call) -> Iterator[ast.Module]:
    """Yield each line of text handed to a tool that is Python and calls something."""
    for node in tool.args:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line in node.value.splitlines():
                row = parsed(line)
                if row is not None and any(calls(row)):
                    yield row


def _called(row: ast.Module, theirs: set[str]) -> set[str]:
    """Return what a line calls of the library that it is about: dotted or imported; else all it calls."""
    # In `f(…).get()` the last call is one of a result, whatever that is called elsewhere.
    names = {dotted(call.func) for call in calls(row) if not _of_a_result(call)}
    return {name for name in names if "." in name or name in theirs} or names


def _of_a_result(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call)


def _used(cell: Any, found: ast.AST, workers: set[str]) -> set[str]:
    """Return the workers that a cell uses: by name, in text for a tool, or imported by a program."""
    trees = [found, *(row for tool in calls(found) for row in _rows(tool))]
    loaded = {node.id for one in trees for node in ast.walk(one) if isinstance(node, ast.Name)}
    if cell.source.startswith("%%"):
        loaded |= {name for module, name in _imports(found) if module.startswith("helpers.workers")}
    return loaded & workers


def _program(cell: Any) -> Iterator[str]:
    """Yield what keeps a cell from being a program to take home."""
    magic, _, source = cell.source.partition("\n")
    if not re.fullmatch(r"%%program (?:--limit \d+ )?\w+\.py", magic):
        yield "expected %%program NAME.py in the first line"
    if (count := len(source.splitlines())) > MOST_HOME_LINES:
        yield f"{count} lines, at most {MOST_HOME_LINES}"
    found = tree(cell)
    if any(module.split(".")[0] == "helpers" for module, _ in _imports(found)):
        yield "needs helpers, which a reader's own project does not have"
    guards = [ast.unparse(node.test) for node in found.body if isinstance(node, ast.If)]
    if "__name__ == '__main__'" not in guards:
        yield 'without its guard: if __name__ == "__main__":'
    if not cell.outputs:
        yield "shows nothing: run it, and let it print what a reader can compare"


def _prediction(cell: Any) -> Iterator[str]:
    """Yield what is wrong with a cell that asks for a prediction."""
    if cell.cell_type != "markdown" or PREDICT not in cell.source:
        yield f"expected markdown with {PREDICT}, spelled so"
    asked = without_code(cell.source).count("?")
    if not 1 <= asked <= 2:
        yield f"asks {asked} questions, expected one or two"


def _needs_helpers(cell: Any, tools: set[str]) -> set[str]:
    """Return what a solution takes from helpers, check aside."""
    found = tree(cell)
    loaded = {node.id for node in ast.walk(found) if isinstance(node, ast.Name)} & tools
    return (loaded | {name for module, name in _imports(found) if module.startswith("helpers")}) - {"check"}
