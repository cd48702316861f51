"""Be the scheduler: two real processes stand at their marks, and a key or a button lets one of them go."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from helpers.watching.real_cast import RealCast
from helpers.watching.schedules import Schedules, one_after_the_other, replay, schedules, serial_numbers
from helpers.watching.turns import Outcome, Program, Session

if TYPE_CHECKING:
    from helpers.views.picture import Picture

__all__ = ["Outcome", "Program", "Schedules", "be_the_scheduler", "replay", "schedules"]

# When the kernel has gone, JupyterLab marks the views of its widgets and leaves them where they are, deaf.
_WHEN_DISCONNECTED = """<style>
.scheduler .gone { display: none }
.scheduler.jupyter-widgets-disconnected .gone { display: block }
.scheduler.jupyter-widgets-disconnected::before,
.scheduler.jupyter-widgets-disconnected .jupyter-widgets-disconnected::before { display: none }
.scheduler.jupyter-widgets-disconnected .widget-hbox { display: none }
</style><div class="gone">The kernel that ran these two processes has gone, and they with it. Run the
notebook's first cells and then this one to play again; below is what they showed last.</div>"""
_HOW = (
    "Type A or B in the field, or press a button: two new processes start, and go as you say. "
    "Below, for a start, a real run. "
)
_playing: list[Any] = []  # the panel whose processes live: one at a time


def be_the_scheduler(program: Program, start: str = "") -> None:
    """Show a field and buttons that let A or B go, and below them the turns as a picture.

    The picture is of a real run from the beginning on: of the schedule `start`, or of A and then B. Processes
    live from your first turn until both have ended or can never go on, until ten minutes without a turn, or
    until another scheduler starts its own. Raises ImportError where IPython or ipywidgets is missing, and
    otherwise what `replay` raises.
    """
    from IPython.display import display

    stop_playing()
    shown = replay(program, start or one_after_the_other(program)[0].schedule)
    panel = _panel_class()(program)
    panel.say(_HOW + shown.sentence)
    display(panel)  # type: ignore[no-untyped-call]
    panel.handle = display(shown.picture(), display_id=True)  # type: ignore[no-untyped-call]


def stop_playing() -> None:
    """End the processes that a scheduler shown earlier still has; it says so."""
    while _playing:
        _playing.pop().give_way()


def _panel_class() -> Any:
    """Return the class of the controls; ipywidgets is imported when somebody wants them."""
    import ipywidgets as w

    class Panel(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
        """The field holds the schedule; buttons only change what it holds.

        A letter more lets one process go. Any other change starts two new processes, since real ones cannot
        go back, and lets them go as far as the field says. What cannot be is taken out of the field again.
        Nothing is ever disabled: it would lose the keyboard.
        """

        handle: Any = None  # of the picture, which stays where widgets do not live
        session: Session | None = None

        def __init__(self, program: Program) -> None:
            self.program = program
            self.field = w.Text(
                description="schedule", placeholder="type A or B", continuous_update=True,
                style={"description_width": "initial"}, layout={"width": "15em"},
            )  # fmt: skip
            self.field.observe(self._typed, "value")
            self.buttons = [
                self._button("Let A go", lambda schedule: schedule + "A"),
                self._button("Let B go", lambda schedule: schedule + "B"),
                self._button("One turn back", lambda schedule: schedule[:-1]),
                self._button("Start again", lambda schedule: ""),
            ]
            self.said = w.HTML()
            row = w.HBox([self.field, *self.buttons], layout={"flex_flow": "row wrap"})
            super().__init__([row, w.HTML(_WHEN_DISCONNECTED), self.said])
            self.add_class("scheduler")

        def _button(self, name: str, changed: Callable[[str], str]) -> Any:
            """Return a button that changes the schedule in the field."""
            button = w.Button(description=name, layout={"width": "auto"})
            button.on_click(lambda _: self._set(changed(self.field.value)))
            return button

        def __repr__(self) -> str:
            names = [self.field.description, *(button.description for button in self.buttons)]
            return f"Controls: {', '.join(names)} (they work while the notebook runs)"

        def close(self) -> None:
            """End the processes with the controls."""
            self.stop()
            super().close()

        def stop(self) -> None:
            """End the processes, wherever they are."""
            session, self.session = self.session, None
            if session is not None:
                session.cast.close()
            if self in _playing:
                _playing.remove(self)

        def give_way(self) -> None:
            """End the processes because another scheduler is shown now."""
            waited = self.session is not None and self.session.moments[-1].free
            self.stop()
            if waited:
                self.say("These two have been ended: another scheduler has started. A turn starts new ones.")

        def say(self, words: str) -> None:
            """Show a sentence above the picture."""
            self.said.value = f'<div style="line-height: 1.5">{escape(words)}</div>'

        def _set(self, schedule: str) -> None:
            if schedule == self.field.value:  # nothing would be heard
                self._play(schedule)
            self.field.value = schedule

        def _typed(self, change: Any) -> None:
            if self.session is None or _letters(change["new"]) != self.session.schedule:
                self._play(change["new"])

        def _play(self, text: str) -> None:
            """Bring the processes to where the field says, show it, and say what could not be."""
            try:
                session, refused = self._brought(_letters(text))
                outcome = session.outcome(serial_numbers(self.program))
            except Exception as error:  # nobody would see it: it is not in a cell
                self.stop()
                self.say(f"This did not work: {error}")
                return
            if refused:
                self.field.value = outcome.schedule
            self.say(f"{refused}{outcome.sentence} {_AFTER[outcome.verdict]}")
            self._show(outcome.picture())

        def _brought(self, wanted: str) -> tuple[Session, str]:
            """Return two that went as the schedule says, and why the rest of it cannot be, or nothing."""
            session, refused = self.session, ""
            if session is None or not wanted.startswith(session.schedule):
                session = self._started()
            try:
                for who in wanted[len(session.schedule) :]:
                    session.let(who)
            except ValueError as error:
                refused = f"{error}. "
            if not session.moments[-1].free:  # both are over, or can never go on
                session.cast.close()
            return session, refused

        def _started(self) -> Session:
            """Return two new processes, in the place of all others."""
            self.stop()
            stop_playing()
            self.session = Session(self.program, RealCast(self.program))
            _playing.append(self)
            return self.session

        def _show(self, picture: "Picture") -> None:
            if self.handle is not None:
                self.handle.update(picture)

    return Panel


def _letters(text: str) -> str:
    return "".join(text.split()).upper()


_WAITING = "Two processes stand there and wait for you; family() shows them."
_ENDED = "They could never go on, so both have been ended."
_AFTER = {
    "not over": _WAITING,
    "deadlock": _ENDED,
    "stuck": _ENDED,
    "error": "What was left of them has been ended.",
    "right": "Both have ended.",
    "wrong": "Both have ended, and neither saw anything wrong.",
}
