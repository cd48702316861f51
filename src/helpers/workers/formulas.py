"""Workers that take more than one argument, or need something that the process keeps."""

_kept = {"factor": 1.0}


def linear(x: float, a: float = 1, b: float = 0) -> float:
    """Return a·x + b."""
    return a * x + b


def plane(x: float, y: float, a: float = 1, b: float = 1) -> float:
    """Return a·x + b·y."""
    return a * x + b * y


def pair(x: object, y: object) -> tuple[object, object]:
    """Return both arguments, as they arrived."""
    return x, y


def keep_factor(factor: float) -> None:
    """Keep the factor in this process, for every later call of `times_factor`: an initializer for a pool."""
    _kept["factor"] = factor


def times_factor(number: float) -> float:
    """Return the number times the factor that this process keeps, 1 when it keeps none."""
    return number * _kept["factor"]


def inner_squares(count: int) -> tuple[list[int], int]:
    """Return the squares below `count`, asked of parmap from here, and how many times parmap warned."""
    import warnings

    import parmap

    from helpers.workers.numbers import square

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module="parmap")
        return parmap.map(square, range(count), pm_processes=2), len(said)
