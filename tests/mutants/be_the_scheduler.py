"""Wrong answers to the exercises of 16; the right ones are the solutions in the notebook."""

from tests.mutants.kinds import Worker, Wrong

# In the place of all that the function does.
_BOOK = """\
    with seats.get_lock():
        step("look")
        if seats.value > 0:
            step("take")
            seats.value -= 1
            sold.value += 1"""
_NO_LOCK = """\
    step("look")
    if seats.value > 0:
        step("take")
        seats.value -= 1
        sold.value += 1"""
_TAKES_UNDER_THE_LOCK = """\
    step("look")
    if seats.value > 0:
        with seats.get_lock():
            step("take")
            seats.value -= 1
            sold.value += 1"""
_LOOKS_UNDER_THE_LOCK = """\
    with seats.get_lock():
        step("look")
        free = seats.value > 0
    if free:
        step("take")
        seats.value -= 1
        sold.value += 1"""
_KEEPS_THE_LOCK = """\
    seats.get_lock().acquire()
    step("look")
    if seats.value > 0:
        step("take")
        seats.value -= 1
        sold.value += 1
        seats.get_lock().release()"""
_DOUBLE = """\
    with left.get_lock(), right.get_lock():
        step("left")
        left.value *= 2
        step("right")
        right.value *= 2"""
_DOUBLE_WITHOUT_LOCKS = """\
    step("left")
    left.value *= 2
    step("right")
    right.value *= 2"""
_ONE_LOCK_AFTER_THE_OTHER = """\
    with left.get_lock():
        step("left")
        left.value *= 2
    with right.get_lock():
        step("right")
        right.value *= 2"""

VALUES = {
    "be_the_scheduler/sold-twice": (
        "BABA",
        [
            Wrong("AAB", "One seat was sold once"),
            Wrong("BBA", "One seat was sold once"),
            Wrong("AABB", "turn 4 of AABB: B cannot go: it has ended"),
            Wrong("AB", "not over"),
            Wrong("ABA", "Go on until both have ended"),
            Wrong("ABAA", "turn 4 of ABAA: A cannot go: it has ended"),
            Wrong("", "not over"),
            Wrong("ABC", "'C' is nobody here"),
            Wrong(["A", "B"], "a schedule as text"),
        ],
    )
}
WORKERS = {
    "be_the_scheduler/sold-once": Worker(
        "book",
        "",
        [
            (_BOOK, _NO_LOCK, "sold = 2"),
            (_BOOK, _TAKES_UNDER_THE_LOCK, "sold = 2"),
            (_BOOK, _LOOKS_UNDER_THE_LOCK, "sold = 2"),
            (_BOOK, _KEEPS_THE_LOCK, "B has ended and did not give"),
            ("seats.get_lock()", "__import__('multiprocessing').Lock()", "sold = 2"),
            ("seats.value -= 1", "seats.value = 0", "with two seats"),
            ("sold.value += 1", "pass", "sold = 0"),
            ('        step("look")\n', "", "keep both"),
            ('            step("take")\n', "", "keep both"),
            ("seats.value > 0", "seats.value > 1", "sold = 0"),
            ("seats.value > 0", "seats.amount > 0", "AttributeError"),
            ("with seats.get_lock():", "if seats.get_lock().acquire(timeout=1):", "counted, not seconds"),
            ("if seats.value > 0:", "while True:", "30 turns"),
        ],
    ),
    "be_the_scheduler/doubled": Worker(
        "double",
        "",
        [
            (_DOUBLE, _DOUBLE_WITHOUT_LOCKS, "left = 190, right = 220"),
            (_DOUBLE, _ONE_LOCK_AFTER_THE_OTHER, "left = 190, right = 220"),
            ("left.get_lock(), right.get_lock()", "right.get_lock(), left.get_lock()", "deadlock. A waits"),
            ("left.get_lock(), right.get_lock()", "right.get_lock()", "deadlock. A waits"),
            ("left.value *= 2", "left.value += 100", "with `pay` before it"),
            ("right.value *= 2", "right.value += 110", "with `pay` after it"),
            ("right.value *= 2", "pass", "with `pay` before it"),
            ('        step("left")\n', "", "keep both"),
            ('        step("right")\n', "", "keep both"),
            ("right.value *= 2", "raise OSError('no')", "raised OSError: no"),
            (
                "with left.get_lock(), right.get_lock():",
                "if left.get_lock().acquire():",
                "give left's lock back",
            ),
        ],
    ),
}
