"""Settings that all tests share."""

import os
import signal

from hypothesis import settings

from fastcnn._kernels import cpu

# Every place in the tables of a plan is checked before it runs, also in processes that a test starts.
os.environ["FASTCNN_CHECK_PLANS"] = "1"

# Tests send Ctrl-C to themselves and their children; in the background of a shell it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Kernels use as many threads as a test says, however few cores there are.
cpu.present_cores = lambda: cpu.MAX_THREADS

# The same examples on every run, and no clock: a test passes or fails for everyone alike.
settings.register_profile("fastcnn", deadline=None, derandomize=True, database=None, print_blob=False)
settings.load_profile("fastcnn")
