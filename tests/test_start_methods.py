"""Each start method's program is asked on its own, and one that fails is no answer."""

import multiprocessing

import pytest

from helpers.programs import start_methods
from helpers.programs.start_methods import ORDER, ask_under_each, methods


def test_methods_are_the_systems_oldest_first() -> None:
    assert set(methods()) == set(multiprocessing.get_all_start_methods())
    assert methods() == [one for one in ORDER if one in methods()]


def test_each_program_answers_for_its_method() -> None:
    own = "helpers.experiments.inheritance_program"
    answers = ask_under_each(own, "say_what_is_inherited", 60.0)
    assert list(answers) == methods()
    assert len({answer["global, changed"] for answer in answers.values()}) == min(len(answers), 2)


@pytest.mark.parametrize("limit", [0.001, 60.0], ids=["too late", "no such function"])
def test_a_program_that_fails_is_reported(limit: float) -> None:
    with pytest.raises(RuntimeError, match="did not come to its end"):
        ask_under_each(start_methods.__name__, "no_such_function", limit)
