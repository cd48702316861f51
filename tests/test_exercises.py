"""A check answers in one sentence, whatever the answer does, and leaves nothing behind."""

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.exercises.judging import registry
from helpers.exercises.judging.comparing import require_list
from helpers.exercises.judging.registry import Exercise, NotYet, ToDo, exercise
from helpers.exercises.judging.stubs import is_stub
from helpers.exercises.judging.verdict import Verdict, check, judge
from helpers.processes.folders import left_in
from helpers.programs import magics

ON_LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux keeps the limit of memory and calls SIGSTOP 19"
)
Hand = Callable[[str], Any]


@pytest.fixture
def hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    """Return a function that makes source a module of workers and returns what it calls `answer`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(magics, "_folders", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(json, "dumps", json.dumps)  # one answer replaces it, which is undone for later tests
    yield lambda source: magics.write_workers("handed_in", source, {}).answer
    sys.modules.pop("handed_in", None)


def in_child(judge_it: Callable[[Any], str], limit: float = 10.0) -> Exercise:
    """Return a registered exercise that is judged in a child interpreter."""
    exercise(judge_it.__name__, in_child=True, limit=limit)(judge_it)
    return registry.find(f"test_exercises/{judge_it.__name__}")


def calls(answer: Callable[[], object]) -> str:
    """Judge by calling the answer."""
    return f"it returned {answer()}"


def test_a_truth_value_is_checked_by_itself() -> None:
    """`check(a == b)` needs no exercise."""
    assert repr(check(1 + 1 == 2)) == "✓ correct"
    assert repr(check(1 + 1 == 3)) == "✗ not yet: this is False, and it should be True"
    with pytest.raises(TypeError, match="it got 1"):
        check(1)
    with pytest.raises(TypeError, match="needs your answer as well"):
        check("start_here/sizes")


def test_an_unknown_exercise_names_the_known_ones() -> None:
    """A slip of the keyboard is mended at once."""
    with pytest.raises(LookupError, match="did you mean 'start_here/sizes'"):
        check("start_here/size", 2)
    with pytest.raises(LookupError, match="start_here"):
        check("nowhere/at-all", 2)


def test_a_verdict_can_be_printed_on_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A console without the marks shows something else instead of failing."""
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", narrow)
    print(Verdict("correct", "yes"))
    narrow.flush()
    assert narrow.buffer.getvalue().endswith(b"correct: yes\n")


def test_a_judge_says_not_yet_to_do_or_is_surprised() -> None:
    """What a judge raises becomes a verdict, never a traceback."""

    def surprised(answer: Any) -> str:
        if answer == "to do":
            raise ToDo("still the stub")
        if answer == "wrong":
            raise NotYet("look again")
        return f"{answer + 1}"

    found = Exercise("t/surprised", surprised, in_child=False, limit=1)
    assert judge(found, 1) == Verdict("correct", "2")
    assert judge(found, "to do") == Verdict("to do", "still the stub")
    assert judge(found, "wrong") == Verdict("not yet", "look again")
    assert judge(found, []).sentence.startswith("your answer, a list, cannot be used here (TypeError")


def stub_with_docstring() -> None:
    """Do nothing yet."""
    ...


class StubClass:
    """Do nothing yet."""

    def run(self) -> None:
        """Do nothing yet."""


def dots_inside(rows: Any) -> Any:
    """Use `...` for good."""
    return rows[..., 0]


@pytest.mark.parametrize("answer", [None, ..., (1, ...), stub_with_docstring, StubClass])
def test_stubs_are_told_from_answers(answer: object) -> None:
    """Nothing but docstrings, `pass` and `...` is a stub."""
    assert is_stub(answer)


@pytest.mark.parametrize("answer", [0, "", [], dots_inside, Verdict, len])
def test_answers_are_told_from_stubs(answer: object) -> None:
    """Also empty ones, and those that use `...` as a value."""
    assert not is_stub(answer)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            'import json\njson.dumps = lambda *_, **__: \'["correct", "well done"]\'\n'
            "def answer():\n    return 1 / 0\n",
            "ZeroDivisionError",
        ),
        pytest.param(
            "def answer():\n    return len(bytearray(5 * 2**30))\n",
            "more memory than the 4 GB",
            marks=ON_LINUX,
        ),
        pytest.param(
            "import multiprocessing, os\n"
            "def stop(_):\n    os.kill(os.getpid(), 19)\n"
            "def answer():\n    with multiprocessing.Pool(1) as pool:\n        return pool.map(stop, [0])\n",
            "a process is stopped, as SIGSTOP does it",
            marks=ON_LINUX,
        ),
        ("import os\ndef answer():\n    os.kill(os.getppid(), 15)\n", "never `os.getppid()`"),
        (
            "def answer():\n    while True:\n        pass\n",
            " of handed_in.py (`answer`); look for an endless loop",
        ),
        ("import os\ndef answer():\n    os._exit(5)\n", "ended the whole program with exit code 5"),
        ("import sys\ndef answer():\n    sys.exit(5)\n", "ends the whole program (line 3 of handed_in.py)"),
        ("def answer():\n    while True:\n        print('x' * 999)\n", "prints without end"),
        ("def answer():\n    return input()\n", "asks for `input()`"),
        ("def answer():\n    return 1 / 0\n", "ZeroDivisionError: division by zero (line 2 of handed_in.py)"),
        (
            "from concurrent.futures import ProcessPoolExecutor as Workers\nimport os\n"
            "def answer():\n    with Workers(1) as w:\n        return w.submit(os._exit, 1).result()\n",
            "a worker ended in the middle of its work",
        ),
        (
            "import multiprocessing, time\n"
            "def answer():\n    multiprocessing.Process(target=time.sleep, args=(600,)).start()\n",
            "1 process is still running",
        ),
        (
            "import subprocess, sys\ndef answer():\n"
            "    command = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
            "    subprocess.Popen(command, start_new_session=True)\n",
            "1 process is still running",
        ),
        (
            "import multiprocessing\ndef answer():\n    return multiprocessing.Pool(0)\n",
            "ValueError: Number of processes must be at least 1 (line 3 of handed_in.py)",
        ),
    ],
    ids=[
        "json.dumps",
        "memory",
        "stopped",
        "parent",
        "endless",
        "os._exit",
        "sys.exit",
        "flood",
        "input",
        "raises",
        "executor",
        "process",
        "detached",
        "pool",
    ],
)
def test_whatever_an_answer_does_a_sentence_names_it(
    hand: Hand, tmp_path: Path, source: str, words: str
) -> None:
    """And no process, no file is left."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    verdict = judge(in_child(calls, limit=6), hand(source))
    assert verdict.state == "not yet"
    assert words in verdict.sentence
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert left_in(tmp_path, os.getpid()) == []


def test_a_sentence_has_a_length(hand: Hand) -> None:
    """Whatever an exception holds."""
    verdict = judge(in_child(calls), hand("def answer():\n    raise ValueError('long ' * 99_999)\n"))
    assert len(verdict.sentence) <= 400
    assert verdict.sentence.startswith("your code raised ValueError: long")
    assert verdict.sentence.endswith("(line 2 of handed_in.py)")


def test_lists_are_compared_in_words_that_show_the_difference() -> None:
    """A long path hides nothing."""
    folder = "/a/temporary/folder/with/a/very/long/name/indeed"
    right = [(f"{folder}/{name}.txt", 1) for name in ("one", "two", "three", "four", "five", "six")]
    with pytest.raises(NotYet) as reason:
        require_list([*right[:5], (f"{folder}/six.txt", 2)], right)
    assert "place 5 holds ('…/six.txt', 2) instead of ('…/six.txt', 1)" in str(reason.value)
    assert folder not in str(reason.value)
    with pytest.raises(NotYet, match="not in the order of the items"):
        require_list(right[::-1], right)
    require_list(list(right), right)


def test_a_function_that_children_cannot_import_is_refused_at_once() -> None:
    """Before a child is started."""
    verdict = judge(in_child(calls), lambda: 1)
    assert verdict.state == "not yet"
    assert "%%workers" in verdict.sentence


def test_a_module_can_be_handed_in(hand: Hand) -> None:
    """The judge receives it as the child has imported it."""
    hand("def answer():\n    return 1\n")

    verdict = judge(in_child(names), sys.modules["handed_in"])
    assert verdict == Verdict("correct", "it has answer")


def names(module: Any) -> str:
    """Judge by looking for a name."""
    return f"it has {module.answer.__name__}"


def test_two_exercises_of_one_name_are_refused() -> None:
    """An author notices."""
    exercise("twice")(calls)
    with pytest.raises(ValueError, match="two exercises called"):
        exercise("twice")(names)
