"""A pipeline is drawn from notes: a lane for each process of each stage, in the order of the stages."""

import pytest

from helpers.views.picture import Picture
from helpers.watching.stages import Note, draw_stages

NOTES: list[Note] = [
    ("count", 12, 2.5, 4.0),
    ("read", 11, 1.0, 1.5),
    ("count", 13, 3.0, 3.5),
    ("read", 11, 1.5, 2.0),
    ("write", 14, 3.5, 3.6),
    ("count", 12, 4.0, 4.5),
]


def shown(picture: Picture) -> list[str]:
    """Return the words of a picture, from top to bottom."""
    from matplotlib.text import Text

    texts = [text for text in picture.figure.findobj(Text) if text.get_text()]
    return [text.get_text() for text in sorted(texts, key=lambda text: text.get_position()[1])]


def test_stages_stand_in_the_order_in_which_they_began() -> None:
    picture = draw_stages(NOTES, 0.5, title="Three", called="two files")
    assert repr(picture) == "two files through 3 stages, all finished"
    words = shown(picture)
    labels = [word for word in words if "PID" in word]
    assert [label.split(" · ")[0] for label in labels] == ["read", "count", "count", "write"]
    assert {"read · PID 11", "count · PID 12", "count · PID 13", "write · PID 14"} == set(labels)
    assert [word for word in words if word[0].isdigit() and "task" in word] == [
        "2 tasks",
        "2 tasks",
        "1 task",
        "1 task",
    ]


def test_time_begins_where_the_pipeline_did() -> None:
    words = shown(draw_stages(NOTES, 0.5))
    assert "0" in words
    assert "4" in words
    assert "5" not in words, "4.5 s on the clock are 4 s after the start"


@pytest.mark.parametrize("note", [("read", 1, 0.4, 0.9), ("read", 1, 2.0, 1.0)])
def test_a_note_out_of_order_is_refused(note: Note) -> None:
    with pytest.raises(ValueError, match="not in order"):
        draw_stages([note], 0.5)


def test_no_notes_are_refused() -> None:
    with pytest.raises(ValueError, match="no notes"):
        draw_stages([], 0.0)
