"""Workers that compute: tiny tasks, and tasks that get longer as the numbers grow."""

from math import isqrt


def square(number: float) -> float:
    """Return the number times itself."""
    return number * number


def is_prime(number: int) -> bool:
    """Return whether the number has no divisor but 1 and itself, tried with every odd one up to its root."""
    if number < 3 or number % 2 == 0:
        return number == 2
    return all(number % divisor for divisor in range(3, isqrt(number) + 1, 2))


def count_primes(below: int) -> int:
    """Return how many primes are smaller than `below`."""
    return sum(map(is_prime, range(below)))
