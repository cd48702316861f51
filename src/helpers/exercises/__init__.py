"""Exercises that answer at once: `check(name, answer)` says correct, not yet (and why), or to do.

Each notebook has a module of its name here; the exercise `spawning/exit-code` is judged by the function
in `spawning.py` that is marked `@exercise("exit-code")`.  A judge takes the answer and returns a sentence
of praise, or raises NotYet with a sentence that says what is wrong and where to look.  A judge marked
`in_child=True` runs in a child interpreter with a limit: it may start processes and call what a learner
wrote.
"""
