"""What a scheduler can do, on paper; and the ten libraries' jobs and figures."""

import pytest

from helpers.experiments import engines, scaling


def test_a_job_lasts_as_long_as_the_slower_of_workers_and_scheduler() -> None:
    assert scaling.job_seconds(100, 1.0, 10, 0.0) == 10
    assert scaling.job_seconds(101, 1.0, 10, 0.0) == 11
    assert scaling.job_seconds(100, 0.0, 10, 0.1) == pytest.approx(10)
    assert scaling.job_seconds(0, 1.0, 10, 0.1) == 0


@pytest.mark.parametrize("bad", [(-1, 1.0, 1, 0.0), (1, -1.0, 1, 0.0), (1, 1.0, 0, 0.0), (1, 1.0, 1, -0.1)])
def test_what_cannot_be_is_refused(bad: tuple[int, float, int, float]) -> None:
    with pytest.raises(ValueError, match="slots at least 1"):
        scaling.job_seconds(*bad)


def test_the_model_meets_jobs_that_it_was_not_fitted_to() -> None:
    found = scaling.measured()
    assert len(found["jobs"]) == len(scaling.predictions())
    for one in found["jobs"]:
        model = scaling.job_seconds(one["tasks"], one["seconds"], one["slots"], found["per task"])
        assert 2 / 3 < model / one["took"] < 4 / 3


def test_the_picture_says_which_line_bends_first() -> None:
    assert "for tasks of 10 s bends last, that for 0.01 s first" in repr(scaling.draw_scaling())


def test_every_library_has_its_job_and_its_figures() -> None:
    assert engines.measured()["engines"].keys() == engines.JOBS.keys()
    assert len(engines.speeds()) == len(engines.fates()) == len(engines.JOBS) == 10
    with pytest.raises(LookupError, match="there are Pool"):
        engines.same_job("threads")


@pytest.mark.parametrize("name", engines.JOBS)
def test_the_jobs_are_right_where_their_library_is(name: str) -> None:
    said = engines.try_job(name)
    if "is not installed here" in said:
        pytest.skip(said)
    assert said == "[0, 1, 4, 9, 16]"
