"""A worker that shares out its task once more."""

from multiprocessing import Pool


def team(number: int) -> int:
    """Return the sum of the numbers below `number`, gathered by a pool of two workers of its own."""
    try:
        with Pool(2) as pool:
            return sum(pool.map(abs, range(number)))
    except AssertionError as refusal:
        # Its traceback holds the half-made pool, whose semaphores would stay should this worker be ended now.
        raise refusal.with_traceback(None) from None
