"""Settings that all tests share."""

import os

from hypothesis import settings

# Before a plan of any test runs, and of any process that a test starts, each place in its tables is looked at.
os.environ["FASTCNN_CHECK_PLANS"] = "1"

# The same examples on every run, and no clock: a test passes or fails for everyone alike.
settings.register_profile("fastcnn", deadline=None, derandomize=True, database=None, print_blob=False)
settings.load_profile("fastcnn")
