"""What a notebook looks like: one rule a function, each yielding a sentence that says where and what to do.

Tests run every rule on every notebook, and on a sample that breaks it. An exception to a rule stands in
`EXCEPTIONS`, with its reason.
"""

import ast
import base64
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat

from tools import AuthoringError, canonical, lessons, navigation, one_run
from tools.reading import MAGICS, Notebook, anchor, code_lines, tags, without_code, words
from tools.reading import headings as headings_in

MOST_CODE_LINES = 12
MOST_WORDS = 80
LARGEST_NOTEBOOK, LARGEST_PICTURE = 1_000_000, 200_000  # bytes
TAGS = {"hide-input", "nbval-ignore-output", "posix-output", "raises-exception", "solution"}
SECTIONS = ("Break it", "Exercises", "In practice", "What you saw", "Recall")
EXERCISE_STEPS = ("task", "stub", "check", "hint", "solution")
FILLERS = re.compile(r"\b(simply|just|obviously|of course|easily|clearly)\b", re.IGNORECASE)
READABLE_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LINK = re.compile(r"\]\(([^)\s]+)")
RANDOM_ID = re.compile(r"(?=[a-f]*\d)[0-9a-f]{8}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?|cell-\d+")
# Words that keep their capital in a heading: names of systems, people, classes and products.
PROPER = re.compile(
    r"Python|Linux|Windows|macOS|Jupyter\w*|Binder|GitHub|Ctrl-C|Amdahl|Gustafson|Parzen|Korean|English|NumPy|I|SLURM|Kubernetes"
    r"|[A-Z]{2,}s?\d*|[A-Z]\w*[A-Z]\w*|Pool|Process|Queue|Pipe|Lock|Event|Manager|Value|Array"
)

# (rule, the notebook's number): why the rule does not hold there.
EXCEPTIONS: dict[tuple[str, str], str] = {}

Rule = Callable[[Notebook], Iterator[str]]
RULES: dict[str, Rule] = {}


def complaints(notebook: Notebook) -> Iterator[str]:
    """Yield what all rules say about `notebook`, or only that it is not valid when it is not."""
    invalid = list(valid(notebook))
    yield from invalid
    for name, rule in RULES.items():
        if not invalid and name != "valid":
            yield from apply(name, rule, notebook)


def apply(name: str, rule: Rule, notebook: Notebook) -> Iterator[str]:
    """Yield what one rule says about `notebook`; an exception without need is a complaint, too."""
    found = list(rule(notebook))
    if (name, notebook.path.name[:2]) not in EXCEPTIONS:
        yield from found
    elif not found:
        yield f"the exception from the rule {name} is not needed any more: delete it from form.EXCEPTIONS"


def _rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


@_rule
def valid(notebook: Notebook) -> Iterator[str]:
    """Require a file that is valid in nbformat 4.5 without a warning, each cell with an id of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            nbformat.validate(notebook.content)
        except Exception as error:  # nbformat raises, and turns into warnings, several unrelated kinds
            yield f"not a valid notebook: {str(error).splitlines()[0]}"
            return
    ids = [cell.get("id") for cell in notebook.cells]
    for name in sorted({str(one) for one in ids if ids.count(one) > 1}):
        yield f"cell id {name} occurs {ids.count(name)} times: give each cell its own"


@_rule
def named(notebook: Notebook) -> Iterator[str]:
    """Require a name such as NN_snake_case.ipynb."""
    if not navigation.FILE_NAME.fullmatch(notebook.path.name):
        yield "expected a file name such as 02_process_identity.ipynb: two digits, then snake case"


@_rule
def canonical_form(notebook: Notebook) -> Iterator[str]:
    """Require that the file's text is its own canonical form."""
    if notebook.text != canonical.canonical_text(notebook.text):
        yield "not in canonical form: run `python -m tools write --no-run`"


@_rule
def portable_outputs(notebook: Notebook) -> Iterator[str]:
    """Require that no output shows a home or temporary folder."""
    for cell, path in canonical.machine_paths(notebook.content):
        yield f"cell {cell} shows {path}, a path of one machine: print the file's name, or a relation"


@_rule
def readable_ids(notebook: Notebook) -> Iterator[str]:
    """Require ids made of words that say what the cell is for."""
    for cell in notebook.cells:
        if not READABLE_ID.fullmatch(cell.id) or RANDOM_ID.fullmatch(cell.id):
            yield f"cell id {cell.id}: expected words that say what it is for, such as zombie-predict"


@_rule
def prompts(notebook: Notebook) -> Iterator[str]:
    """Require that the code cells ran once, from top to bottom: prompts 1 to n."""
    for number, cell in enumerate(notebook.code, 1):
        if cell.execution_count != number:
            yield f"cell {cell.id} has prompt {cell.execution_count}, expected {number}: write it again"
            return


@_rule
def short_code(notebook: Notebook) -> Iterator[str]:
    """Require code cells of at most 12 lines; solutions and the program to take home aside."""
    for cell in notebook.code:
        if "solution" in tags(cell) or cell.id == lessons.HOME:
            continue
        if (count := code_lines(cell)) > MOST_CODE_LINES:
            yield f"cell {cell.id} has {count} lines, at most {MOST_CODE_LINES}: cut it, move plumbing away"


@_rule
def short_paragraphs(notebook: Notebook) -> Iterator[str]:
    """Require paragraphs and list items of at most 80 words."""
    for cell in notebook.prose:
        for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", without_code(cell.source)):
            found = [] if paragraph.lstrip().startswith("|") else words(paragraph)
            if len(found) > MOST_WORDS:
                start = " ".join(found[:5])
                yield f"cell {cell.id}: {len(found)} words, at most {MOST_WORDS} in a paragraph: {start} …"


@_rule
def right_size(notebook: Notebook) -> Iterator[str]:
    """Require a file below 1 MB and pictures below 200 kB."""
    if (size := len(notebook.text.encode())) > LARGEST_NOTEBOOK:
        yield f"{size:,} bytes, at most {LARGEST_NOTEBOOK:,}: make pictures smaller, print less"
    for cell, data in _pictures(notebook):
        if (size := len(base64.b64decode(data))) > LARGEST_PICTURE:
            yield f"cell {cell.id}: a picture of {size:,} bytes, at most {LARGEST_PICTURE:,}: draw it smaller"


@_rule
def known_tags(notebook: Notebook) -> Iterator[str]:
    """Require that cells carry only tags that the tests know."""
    for cell in notebook.cells:
        if unknown := set(tags(cell)) - TAGS:
            yield f"cell {cell.id}: unknown tags {sorted(unknown)}, expected some of {sorted(TAGS)}"


@_rule
def intended_errors(notebook: Notebook) -> Iterator[str]:
    """Require that a stored error and the tag raises-exception come together."""
    for cell in notebook.code:
        raised = any(output.output_type == "error" for output in cell.outputs)
        if raised != ("raises-exception" in tags(cell)):
            yield f"cell {cell.id}: " + (
                "stores an error without the tag raises-exception: mend or tag it"
                if raised
                else "is tagged raises-exception but stores no error: remove the tag"
            )


@_rule
def no_stderr(notebook: Notebook) -> Iterator[str]:
    """Require that nothing is stored from stderr, except in volatile cells."""
    for cell in notebook.code:
        if any(output.get("name") == "stderr" for output in cell.outputs) and canonical.VOLATILE not in tags(
            cell
        ):
            yield f"cell {cell.id} stores output on stderr: mend the warning, or use %%program"


@_rule
def plain_code(notebook: Notebook) -> Iterator[str]:
    """Require plain Python: our two magics at most, no star import, nothing that hides an output."""
    for cell in notebook.code:
        source = cell.source
        if source.startswith("%%"):
            if source.split()[0] not in MAGICS:
                yield f"cell {cell.id} uses {source.split()[0]}: only {' and '.join(MAGICS)} are allowed"
            continue
        if line := re.search(r"^\s*[%!].*|^.*\S\?{1,2}\s*$", source, re.MULTILINE):
            yield f"cell {cell.id}: `{line.group().strip()}` is not Python: use a helper or subprocess"
            continue
        yield from (f"cell {cell.id}: {what}" for what in _plain_python(source))


def _plain_python(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"not Python: {error.msg}"
        return
    if source.rstrip().endswith(";"):
        yield "ends with a semicolon, which hides an output here and shows it in the tests: remove it"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names):
            yield f"from {node.module} import *: name what you import"
        if isinstance(node, ast.Import | ast.ImportFrom) and "pyplot" in ast.unparse(node):
            yield "imports pyplot, whose figures no test can compare: use a helper that returns a Picture"
        if isinstance(node, ast.Name) and node.id in ("clear_output", "update_display", "set_start_method"):
            yield f"calls {node.id}: nbval cannot follow it, or it changes every later cell"


@_rule
def one_import_cell(notebook: Notebook) -> Iterator[str]:
    """Require one import cell, the first code cell; exercises and programs may import for themselves."""
    if not notebook.code or notebook.code[0].id != "imports":
        yield "the first code cell should be the one import cell, with the id imports"
    for cell in notebook.code[1:]:
        own = "solution" in tags(cell) or cell.source.startswith("%%") or cell.id.startswith("ex")
        if not own and re.search(r"^(import|from) ", cell.source, re.MULTILINE):
            yield f"cell {cell.id} imports: move it to the cell imports"


@_rule
def opening(notebook: Notebook) -> Iterator[str]:
    """Require title, promise, minutes and the four labels in the first cell, id title."""
    try:
        found = navigation.opening(notebook.content, notebook.path.name)
    except AuthoringError as error:
        yield str(error)
        return
    first = notebook.cells[0]
    if first.id != "title":
        yield f"the first cell has the id {first.id}, expected title"
    for label in navigation.LABELS:
        if f"**{label}**" not in first.source:
            yield f"the first cell lacks **{label}**"
    if not re.fullmatch(r"[^.!?]+[.!?]", re.sub(r"`[^`]*`", "x", found.promise)):
        yield f"the promise below the title should be one sentence: {found.promise}"


@_rule
def headings(notebook: Notebook) -> Iterator[str]:
    """Require one title, no level jumped, sentence case, and the prescribed sections in order."""
    found = [
        (cell.id, len(marks), text) for cell in notebook.prose for marks, text in headings_in(cell.source)
    ]
    if [level for _, level, _ in found].count(1) != 1 or found[0][1] != 1:
        yield "expected exactly one heading of level 1, the title"
    for (_, before, _), (name, level, text) in itertools.pairwise(found):
        if level > before + 1:
            yield f"cell {name}: heading {text!r} jumps from level {before} to {level}"
    for name, _, text in found:
        later = re.sub(r"`[^`]*`", "x", re.split(r": |\? ", re.sub(r"^\d+\. ", "", text))[0]).split()[1:]
        if shouting := [
            word for word in later if word[:1].isupper() and not PROPER.fullmatch(word.strip("?!.,:'()"))
        ]:
            yield f"cell {name}: heading {text!r} in sentence case: {' '.join(shouting)} in small letters"
    sections = [text for _, level, text in found if level == 2]
    if [name for text in sections if (name := text.split(":")[0]) in SECTIONS] != list(SECTIONS):
        yield f"expected the sections {', '.join(SECTIONS)}, in order; found {', '.join(sections)}"


@_rule
def no_filler(notebook: Notebook) -> Iterator[str]:
    """Require that nothing is called simple, obvious or easy."""
    for cell in notebook.prose:
        if word := FILLERS.search(without_code(cell.source)):
            yield f"cell {cell.id}: delete the word {word.group()!r}; who does not find it so feels small"


@_rule
def bold_terms(notebook: Notebook) -> Iterator[str]:
    """Require that a term is bold once, where it is first used."""
    seen: dict[str, str] = {}
    for cell in notebook.prose:
        for term in bold(cell):
            if (first := seen.setdefault(term.casefold(), cell.id)) != cell.id:
                yield f"cell {cell.id}: {term!r} is bold already in {first}: bold marks a term's first use"


def bold(cell: Any) -> list[str]:
    """Return the bold terms of a markdown cell, the labels of the opening aside."""
    terms = re.findall(r"\*\*(?!\s)([^*\n]+?)(?<!\s)\*\*", without_code(cell.source))
    return [
        term for term in terms if term.rstrip(":") not in navigation.LABELS and not term.endswith((":", "."))
    ]


@_rule
def pictures_in_words(notebook: Notebook) -> Iterator[str]:
    """Require a sentence with each picture, and prose in one of the next two cells."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if not any(kind.startswith("image/") for kind in data):
                continue
            sentence = data.get("text/plain", "")
            if " " not in sentence or sentence.startswith("<"):
                yield f"cell {cell.id}: the picture has no sentence: return a Picture, whose text is compared"
            if not any(one.cell_type == "markdown" for one in notebook.cells[index + 1 : index + 3]):
                yield f"cell {cell.id}: say in words what the picture shows, in the next cell"


@_rule
def alternative_texts(notebook: Notebook) -> Iterator[str]:
    """Require an alternative text for each image in prose."""
    for cell in notebook.prose:
        text = without_code(cell.source)
        bare = re.findall(r"!\[\s*\]\(([^)]*)\)", text)
        bare += [tag for tag in re.findall(r"<img\b[^>]*>", text) if not re.search(r'\balt="[^"]+"', tag)]
        yield from (f"cell {cell.id}: {image} lacks an alternative text" for image in bare)


@_rule
def live_links(notebook: Notebook) -> Iterator[str]:
    """Require that links inside the repository lead to a file, and to a heading of it."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for target in LINK.findall(without_code(cell.source)):
                if problem := dead(target, notebook.path, notebook.root):
                    yield f"cell {cell.id}: {problem}"


def dead(target: str, path: Path, root: Path) -> str:
    """Return why the link `target` in the file `path` leads nowhere; nothing when it does lead somewhere."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return "" if target.startswith(("https:", "mailto:")) else f"link {target}: expected https"
    name, _, heading = target.partition("#")
    file = (path.parent / name.replace("%20", " ")).resolve() if name else path
    if not file.exists():
        return f"link {target}: no such file"
    if not file.is_relative_to(root.resolve()):
        return f"link {target} leads out of the repository"
    if heading and file.is_file() and heading.casefold() not in _anchors(file):
        return f"link {target}: no such heading"
    return ""


@_rule
def predictions(notebook: Notebook) -> Iterator[str]:
    """Require three or more questions, each before the cell that answers it."""
    cells = notebook.cells
    asked = [index for index, cell in enumerate(cells) if cell.id.endswith("-predict")]
    if len(asked) < 3:
        yield f"{len(asked)} cells called …-predict, expected three or more: ask before you show"
    for index in asked:
        cell = cells[index]
        if cell.cell_type != "markdown" or "?" not in cell.source:
            yield f"cell {cell.id}: expected a question, in markdown"
        if not any(one.cell_type == "code" for one in cells[index + 1 : index + 3]):
            yield f"cell {cell.id}: expected the cell that answers it right below"


@_rule
def exercises(notebook: Notebook) -> Iterator[str]:
    """Require three or more exercises, each with task, stub, check, hint and folded solution."""
    steps: dict[int, list[str]] = {}
    for cell in notebook.cells:
        if match := re.fullmatch(r"ex(\d+)-([a-z0-9]+)(?:-[a-z0-9-]+)?", cell.id):
            steps.setdefault(int(match[1]), []).append(match[2])
        tagged, called = "solution" in tags(cell), re.match(r"ex\d+-solution\b", cell.id)
        if (tagged and not called) or (called and not tagged and cell.cell_type == "code"):
            yield f"cell {cell.id}: the tag solution and an id such as ex1-solution(-check) go together"
        if cell.id.endswith("-hint") and "<details>" not in cell.source:
            yield f"cell {cell.id}: fold the hint with <details><summary>Show a hint</summary>"
    for number in steps:
        if not any("check(" in cell.source for cell in notebook.code if cell.id.startswith(f"ex{number}-")):
            yield f"exercise {number}: nothing calls check(...), so nobody learns whether the answer is right"
    if list(steps) != list(range(1, len(steps) + 1)) or len(steps) < 3:
        yield f"expected exercises ex1, ex2, ex3 …, at least three; found {list(steps)}"
    for number, found in steps.items():
        known = [step for step in dict.fromkeys(found) if step in EXERCISE_STEPS]
        if known not in (list(EXERCISE_STEPS), [step for step in EXERCISE_STEPS if step != "check"]):
            yield f"exercise {number}: expected {', '.join(EXERCISE_STEPS)}; found {', '.join(found)}"


@_rule
def recall(notebook: Notebook) -> Iterator[str]:
    """Require three to five questions with folded answers below the heading Recall."""
    text = "\n".join(cell.source for cell in notebook.prose)
    _, _, section = text.partition("\n## Recall")
    section = section or text.partition("## Recall")[2]
    answers = section.count("<details>")
    if not 3 <= answers <= 5 or section.count("?") < answers:
        yield f"below ## Recall: {answers} questions with an answer in <details>, expected three to five"


@_rule
def goodbye(notebook: Notebook) -> Iterator[str]:
    """Require a last code cell, id goodbye, that shows nothing but the main process."""
    last = notebook.code[-1] if notebook.code else None
    shown = [str(output.get("data", {}).get("text/plain", "")) for output in last.outputs] if last else []
    if last is None or last.id != "goodbye" or shown != ["MainProcess"]:
        yield "the last code cell should be `family()` with the id goodbye and show nothing but MainProcess"


@_rule
def navigation_last(notebook: Notebook) -> Iterator[str]:
    """Require the generated navigation in the last cell."""
    if not notebook.cells or notebook.cells[-1].id != navigation.NAVIGATION:
        yield "expected nav-bottom as last cell: run `python -m tools write --no-run`"
    if notebook.path.name == navigation.HOME and navigation.COURSE_MAP not in [
        cell.id for cell in notebook.cells
    ]:
        yield "expected a markdown cell with the id course-map; `write` fills it"


@_rule
def finished(notebook: Notebook) -> Iterator[str]:
    """Require that nothing of the skeleton is still to be filled in."""
    for cell in notebook.prose:
        if re.search(r"^\W*…\W*$|^You … \(|\*\* …$", cell.source, re.MULTILINE):
            yield f"cell {cell.id}: fill in what … stands for"


RULES["one_run"] = one_run.one_run
RULES |= {rule.__name__: rule for rule in lessons.RULES}


def _pictures(notebook: Notebook) -> Iterator[tuple[Any, str]]:
    for cell in notebook.code:
        for output in cell.outputs:
            for kind in canonical.PICTURES:
                if kind in output.get("data", {}):
                    yield cell, output.data[kind]


def _anchors(file: Path) -> set[str]:
    """Return the anchors of a file's headings, in small letters, as GitHub and as JupyterLab make them."""
    if file.suffix == ".ipynb":
        texts = [cell.source for cell in canonical.read(file).cells if cell.cell_type == "markdown"]
    else:
        texts = [file.read_text(encoding="utf-8")]
    found = [text.casefold() for one in texts for _, text in headings_in(one)]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in found} | set(map(anchor, found))
