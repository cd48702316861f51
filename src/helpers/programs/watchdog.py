"""End a program when the process that asked for it is gone: a tiny program of its own.

A program in a session of its own survives the death of the notebook that runs it.  So each one gets this
second process: it reads from a pipe whose other end the notebook holds, and acts when that end closes.  It
starts without `site`, so that it is up at once; the rest of `sys.path` comes through the pipe.
"""

import json
import os
import signal
import sys
import threading


def main() -> None:
    """Wait for the notebook's end of the pipe to close or the time to be over, then end the program."""
    if os.name == "posix":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = json.loads(sys.stdin.buffer.readline() or "null")
    if not told:
        return  # the notebook was gone before there was a program
    reader = threading.Thread(target=sys.stdin.buffer.read, daemon=True)
    reader.start()
    reader.join(told["seconds"])
    sys.path[:] = told["path"]
    from helpers.processes.ending import end
    from helpers.programs.members import Members

    end(Members(**told["program"]))
    os._exit(0)  # the reader may still wait for the pipe


if __name__ == "__main__":
    main()
