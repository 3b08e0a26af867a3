"""The partial file of a download, which belongs to one process at a time."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from typing import BinaryIO

_LOGGER = logging.getLogger(__name__)
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def partial_file(path: str) -> Iterator[tuple[BinaryIO, str]]:
    """Give the partial file of `path`, opened where an earlier download stopped, and its name.

    It waits for another process that has it. What the caller does not rename stays for the next time, unless
    it is empty or the disk is full.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    folder, base = os.path.split(path)
    name = os.path.join(folder, f".{base}.part")
    can_lock = True
    while True:
        with open(name, "a+b") as stored:
            if can_lock and not _lock(stored):
                # A name of its own then, and nothing to go on from later.
                can_lock = False
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
                name = os.path.join(folder, f".{base}.{os.getpid()}.part")
                continue
            # While this process waited, the file may have got its final name: then it is not to be written.
            if not _is_at(stored, name):
                continue
            keep = can_lock
            try:
                yield stored, name
            except OSError as error:
                keep = keep and error.errno not in DISK_FULL
                raise
            finally:
                if _is_at(stored, name) and not (keep and os.fstat(stored.fileno()).st_size):
                    os.unlink(name)
                if can_lock:
                    # Closing would not do it while a child that was forked meanwhile has the file open.
                    _unlock(stored)
            return


def _lock(stored: BinaryIO) -> bool:
    """Wait until no other process has the file; the system frees it when that ends. False: no such locks."""
    import fcntl

    try:
        fcntl.flock(stored, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _LOGGER.warning("%s: waiting for another process that downloads it", stored.name)
        fcntl.flock(stored, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _unlock(stored: BinaryIO) -> None:
    import fcntl

    fcntl.flock(stored, fcntl.LOCK_UN)


def _is_at(stored: BinaryIO, name: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stored.fileno()), os.stat(name))
    except FileNotFoundError:
        return False
