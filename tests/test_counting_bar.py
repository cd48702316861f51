"""The bar that says how far it counted."""

import parmap
import pytest

from helpers.views.counting_bar import CountingBar
from helpers.workers.numbers import square


def test_it_counts_what_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with CountingBar(total=3) as bar:
        bar.update(2)
        bar.update()
    assert capsys.readouterr().out == "the bar ended at 3 of 3\n"


@pytest.mark.parametrize(("items", "total"), [([1, 2], "2"), (iter([1, 2]), "?")])
def test_it_counts_what_it_yields(items: object, total: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(CountingBar(items)) == [1, 2]  # type: ignore[arg-type]
    assert capsys.readouterr().out == f"the bar ended at 2 of {total}\n"


def test_parmap_takes_it_in_a_serial_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert parmap.map(square, [1, 2], pm_parallel=False, pm_pbar=CountingBar) == [1, 4]
    assert capsys.readouterr().out == "the bar ended at 2 of 2\n"
