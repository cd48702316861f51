"""Wrong answers to the exercises of 02; the right workers are the solutions in the notebook."""

import os
from multiprocessing import current_process

from tests.mutants.kinds import Worker, Wrong

ME, PARENT = os.getpid(), os.getppid()
_ENDED = "        process = psutil.Process(pid)\n    except"
_WAITED = "    process.terminate()\n    process.wait(10)\n"
_GUARD = "    if process.create_time() != born:\n        return False\n"
_ZOMBIE = "        if process.status() == psutil.STATUS_ZOMBIE:\n            return None\n"
# Windows does not count what children used.
_CHILDREN = [("user + system,", "sum(process.cpu_times()),", "add user and system")] * (os.name != "nt")
_REMEMBERED = """\
KNOWN = {}


def portrait(pid):
    if pid not in KNOWN:
        KNOWN[pid] = fresh(pid)
    return KNOWN[pid]


def fresh(pid):
"""

VALUES = {
    "process_identity/who-am-i": (
        ("MainProcess", ME, PARENT),
        [
            Wrong(("main", ME, PARENT), "the name is 'main'"),
            Wrong(("MainProcess", PARENT, ME), "exchanged"),
            Wrong(("MainProcess", ME, ME), "`parent_pid` is"),
            Wrong(("MainProcess", 13248, PARENT), "`pid` is 13248"),
            Wrong(("MainProcess", str(ME), PARENT), "a PID is a number"),
            Wrong((current_process(), ME, PARENT), "for its `name`"),
            Wrong(("MainProcess", os.getpid, PARENT), "`pid` is a function: call it"),
            Wrong(("MainProcess", ME, None), "does not know the kernel's parent"),
            Wrong(("MainProcess", ME), "cannot be used here"),
        ],
    )
}

WORKERS = {
    "process_identity/end": Worker(
        "end",
        "",
        [
            (_GUARD, "", "ended a stranger"),
            ("!= born", "== born", "ended a stranger"),
            ("    process.wait(10)\n", "", "before the process was gone"),
            (_WAITED, "", "the process still runs"),
            ("process.terminate()", "psutil.Process().terminate()", "ended the whole program"),
            ("process.terminate()", "process.parent().terminate()", "ended the whole program"),
            ("    return True", "    return", "for the right process it returned None"),
            (
                "!= born:\n        return False",
                "!= born:\n        return None",
                "at another time it returned None",
            ),
            (
                "NoSuchProcess:\n        return False",
                "NoSuchProcess:\n        return True",
                "nobody has it returned True",
            ),
            ("except psutil.NoSuchProcess", "except ValueError", "raised NoSuchProcess"),
        ],
    ),
    "process_identity/portrait": Worker(
        "portrait",
        "",
        [
            ("psutil.Process(pid)", "psutil.Process()", "`parent` is"),
            ("process.ppid()", "psutil.Process().ppid()", "`parent` is"),
            ("process.status(),", '"sleeping",', "`state` is 'sleeping' where 'stopped' is right"),
            ("process.status(),", '"stopped",', "`state` is still 'stopped'"),
            ("process.nice()", "0", "`nice` is 0"),
            ("1_000_000", "2**20", "divide `memory_info().rss` by 1 000 000"),
            ("process.name()", "process.name", "`name` is a function: call it"),
            ("rss / 1_000_000", "rss", "divide `memory_info().rss` by 1 000 000"),
            ("rss / 1_000_000", "vms / 1_000_000", "divide `memory_info().rss` by 1 000 000"),
            ("user + system,", "user,", "add user and system"),
            *_CHILDREN,
            ('"nice": process.nice(),', "", "its keys are"),
            (_ZOMBIE, "", "for a zombie it returned"),
            ("except psutil.NoSuchProcess", "except ValueError", "nobody has it raised NoSuchProcess"),
            ("        return {", "        yield {", "expected a dictionary"),
            ("def portrait(pid):\n", _REMEMBERED, "`state` is still 'stopped'"),
        ],
    ),
}
