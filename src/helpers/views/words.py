"""Numbers as words of a sentence."""


def plural(number: int, noun: str) -> str:
    """Return "1 task", "8 tasks", "100 000 tasks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", " ")
