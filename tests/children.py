"""Children that are forked from a process with everything imported: importing takes longer than they do."""

import os
import signal
import subprocess
import sys
import time

LOOP = """
import os, signal, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in the background of a shell
while argument := sys.stdin.readline().strip():
    begin, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(begin, 1)
        print(run(argument), flush=True)
        os._exit(0)
    print(child, flush=True)
    os.write(told, b"!")
    os.close(begin), os.close(told)
    sys.stdin.readline()  # until then nobody else gets the child's number
    os.waitpid(child, 0)
    print("over", flush=True)
"""


class Children:
    """A parent whose children call a function.

    Parameters
    ----------
    code : str
        Defines ``run(argument)``, of text, which returns one line of text.
    """

    def __init__(self, code):
        self._parent = subprocess.Popen(
            [sys.executable, "-c", code + LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, argument, after=None, number=signal.SIGKILL):
        """Run a child; return what it returned and how long it took.

        Parameters
        ----------
        argument : object
        after : float, optional
            Seconds after which it gets a signal; the time counts from then.
        number : int
            The signal. What it ends returns None.
        """
        self._say(argument)
        child, start = int(self._parent.stdout.readline()), time.perf_counter()
        if after is not None:
            time.sleep(after)
            start = time.perf_counter()
            os.kill(child, number)
        self._say("wait")
        found = [line.strip() for line in iter(self._parent.stdout.readline, "over\n")]
        return (found[-1] if found else None), time.perf_counter() - start

    def close(self):
        """End the parent."""
        self._parent.stdin.close()
        assert self._parent.wait(60) == 0
        self._parent.stdout.close()

    def _say(self, what):
        self._parent.stdin.write(f"{what}\n")
        self._parent.stdin.flush()
