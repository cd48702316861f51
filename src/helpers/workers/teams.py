"""A worker that shares out its task once more."""

from multiprocessing import Pool


def team(number: int) -> int:
    """Return the sum of the numbers below `number`, gathered by a pool of two workers of its own."""
    with Pool(2) as pool:
        return sum(pool.map(abs, range(number)))
