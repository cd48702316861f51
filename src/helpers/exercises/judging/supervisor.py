"""Stand between a notebook and the answer that is judged: as a script, run a judge and note how it ended.

What an answer does to its parent does not reach the notebook then, and memory has a limit.  Only the standard
library is imported, and little of it.
"""

import os
import subprocess
import sys

GIGABYTES = 4  # of address space that an answer and each of its processes may have
STOPPED = "stopped"  # noted instead of an exit code when the judge was stopped, and nobody lets it go on


def main(script: str, note: str) -> None:
    """Run the script, and write its exit code into the file `note`."""
    _limit_memory()
    judge = subprocess.Popen([sys.executable, script])
    ended = str(_exit_code(judge))
    with open(f"{note}.part", "w") as file:  # noqa: PTH123 - pathlib is slow to import
        file.write(ended)
    os.replace(f"{note}.part", note)  # noqa: PTH105


def _exit_code(judge: "subprocess.Popen[bytes]") -> int | str:
    if sys.platform == "win32":
        return judge.wait()
    _, status = os.waitpid(judge.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        judge.kill()
        judge.wait()
        return STOPPED
    judge.returncode = os.waitstatus_to_exitcode(status)
    return judge.returncode


def _limit_memory() -> None:
    """No process gets more address space than the limit, where the system has one."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = GIGABYTES * 2**30
        if most == resource.RLIM_INFINITY or most > limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    except (ImportError, OSError, ValueError):  # Windows; macOS refuses it
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
