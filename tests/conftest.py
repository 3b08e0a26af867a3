"""Settings that all tests share."""

from hypothesis import settings

# The same examples on every run, and no clock: a test passes or fails for everyone alike.
settings.register_profile("fastcnn", deadline=None, derandomize=True, database=None, print_blob=False)
settings.load_profile("fastcnn")
