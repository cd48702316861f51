"""Wrong answers to the exercises of 03; the right ones are the solutions in the notebook."""

import signal

from tests.mutants.kinds import Worker

_ARRIVAL = """\
    from multiprocessing.connection import wait

    waiting = {receiver: child for child, receiver in started}
    while waiting:
        receiver = wait(list(waiting))[0]
        child = waiting.pop(receiver)
        try:
"""
_ONE_CHILD = """\
def gather(function, items):
    receiver, sender = Pipe(duplex=False)
    child = Process(target=_all, args=(sender, function, items))
    child.start()
    answers = receiver.recv()
    child.join()
    return answers


def _all(sender, function, items):
    sender.send([function(item) for item in items])


def _unused(function, items):
"""
_POOL = """\
def gather(function, items):
    from multiprocessing import Pool

    with Pool(len(items)) as pool:
        return pool.map(function, items)


def _unused(function, items):
"""
_WORKERS = """\
def all_at_once(function, items):
    from multiprocessing import Pool

    with Pool(2) as pool:
        return pool.map(function, items)


def _unused(function, items):
"""
_KILL_PARENT = "import os, signal\n    return os.kill(os.getppid(), signal.SIGTERM)"
_STOP_SELF = "import os, signal\n    return os.kill(os.getpid(), signal.SIGSTOP)"
_STOPPED = [("return child.exitcode", _STOP_SELF, "stopped its own process")] * hasattr(signal, "SIGSTOP")
WORKERS = {
    "spawning/exit-code": Worker(
        "exit_code_of",
        "",
        [
            ("    child.join()\n", "", "still runs"),
            ("    return child.exitcode", "    child.exitcode", "`return` is missing"),
            (
                "    child.join()\n    return child.exitcode",
                "    return child.join()",
                "what `join()` returns",
            ),
            ("    return child.exitcode", "    return 3", "came back"),
            ("return child.exitcode", "return code", "came back"),
            ('name="SubProcess", ', "", "give `Process` a `name`"),
            ("(code,)", "(code)", "not iterable"),
            ("(code,)", "(0,)", "goes in as an argument"),
            ("target=exit_with, args=(code,)", "target=exit_with(code)", "`exit_with` was called here"),
            ("    child.start()\n    child.join()\n", "    child.run()\n", "`run()` calls the function here"),
            ("    child.start()\n", "", "can only join a started process"),
            (
                "    child.start()\n    child.join()\n    return child.exitcode",
                "    return code",
                "without starting",
            ),
            ("    child.join()\n", "    child.terminate()\n    child.join()\n", "exit code is -15"),
            ("return child.exitcode", _KILL_PARENT, "never `os.getppid()`"),
            *_STOPPED,
            (
                "    child.join()\n",
                "    child.join()\n    Process(target=exit_with).start()\n",
                "one is enough",
            ),
        ],
    ),
    "spawning/all-at-once": Worker(
        "all_at_once",
        "",
        [
            (
                "        child.start()\n    for child in children:\n",
                "        child.start()\n",
                "one after the other",
            ),
            ("    for child in children:\n        child.join()\n", "", "still runs"),
            (
                "    for child in children:\n        child.join()\n",
                "    children[-1:] and children[-1].join()\n",
                "None is a child that still runs",
            ),
            ("def all_at_once(function, items):\n", _WORKERS, "a `Process` of your own for each item"),
            (
                "return [child.exitcode for child in children]",
                "return sorted(child.exitcode for child in children)",
                "order",
            ),
            ("for child in children]", "for child in reversed(children)]", "order"),
            ("for item in items]", "for item in items[1:]]", "called 2 times"),
            ("return [child.exitcode for child in children]", "return [0, 3, 7]", "expected 4"),
            ("return [child.exitcode for child in children]", "return items", "expected [5, 1, 0, 2]"),
            ("        child.start()\n", "        child.run()\n", "`run()` calls the function here"),
            (
                "        child.join()\n",
                "        child.terminate()\n        child.join()\n",
                "a signal ended a child",
            ),
            (
                "    return [",
                "    from time import sleep\n    Process(target=sleep, args=(60,)).start()\n    return [",
                "still running",
            ),
        ],
    ),
    "spawning/gather": Worker(
        "gather",
        "",
        [
            (
                "    for child, receiver in started:\n",
                "    for child, receiver in started[:0]:\n",
                "expected",
            ),
            ("        child.join()\n", "", "not joined"),
            (
                "        child.start()\n        sender.close()\n",
                "        child.start()\n        sender.close()\n        receiver.poll(None)\n",
                "one after the other",
            ),
            ("    for child, receiver in started:\n        try:\n", _ARRIVAL, "order"),
            ("in started:\n", "in reversed(started):\n", "order"),
            ("for item in items:", "for item in items[1:]:", "one for each item"),
            (
                "def gather(function, items):\n",
                "def gather(function, items):\n    return [function(item) for item in items]\n",
                "main process did",
            ),
            ("def gather(function, items):\n", _ONE_CHILD, "one child per item"),
            ("def gather(function, items):\n", _POOL, "a pool's workers outlive their answers"),
            ("except EOFError:", "except ValueError:", "the EOFError of `recv()` came out"),
            ("            answers.append(None)", "            pass", "expected 5"),
            ("            answers.append(None)", '            answers.append("")', "expected"),
            (
                "    for child, receiver in started:\n",
                "    for child, receiver in started:\n        child.join()\n",
                "waits in `join()` for a child that waits as well",
            ),
            ("        sender.close()\n", "", "no child is left that could send"),
            (
                "answers.append(receiver.recv())",
                "receiver.recv(), answers.append(None)",
                "has to go into a pipe",
            ),
            ("    sender.send(function(item))", "    function(item)", "has to go into a pipe"),
        ],
    ),
}
