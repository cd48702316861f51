"""Who ran when, within the tasks: 01's picture of threads that take turns."""

from dataclasses import replace

from helpers.views.words import plural
from helpers.watching.runs import Lane, Run, Span


def turns(run: Run) -> Run:
    """Return a watched run of `stretches` with a bar for each stretch in which a lane really ran.

    The bars are numbered by their begin, over all lanes; time begins with the first. Raises TypeError for a
    run of another function.
    """
    try:
        ran = [[(float(begin), float(end)) for begin, end in one] for one in run.results]
        first = min(begin for one in ran for begin, _ in one)
    except (TypeError, ValueError):
        raise TypeError(
            "turns wants a run of stretches: turns(watch(pool.map, stretches, [0.1, 0.1], chunksize=1))"
        ) from None
    order = sorted(stretch for one in ran for stretch in one)
    lanes = tuple(
        Lane.of(
            lane.label,
            lane.pid,
            [
                Span(order.index((begin, end)), begin - first, end - first)
                for begin, end in sorted(stretch for task in lane.tasks for stretch in ran[task])
            ],
        )
        for lane in run.lanes
    )
    # Nobody is offered: before its first turn a worker may have waited for it, which is no start.
    called = f"turns of {plural(run.plan.offered or len(lanes), run.plan.noun)}"
    plan = replace(run.plan, tasks=len(order), offered=0, chunksize=None, called=called, bar="turn")
    return Run(run.results, lanes, max(lane.last for lane in lanes), plan)
