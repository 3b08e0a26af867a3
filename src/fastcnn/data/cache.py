"""The folder of downloaded data sets: where it is, what is in it, what comes into it."""

import os
import sys

from ..errors import ArgumentError, DataError, DTypeError
from .catalog import Source, find

VARIABLE = "FASTCNN_DATA"


def cache_folder() -> str:
    """Return the folder of downloaded data sets: FASTCNN_DATA, or the platform's folder for caches.

    Raises
    ------
    DataError
        If FASTCNN_DATA is not a folder.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        if os.path.exists(chosen) and not os.path.isdir(chosen):
            raise DataError(f"{chosen}: is not a folder ({VARIABLE})")
        return os.path.abspath(chosen)
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/fastcnn")
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification of that variable says that a relative path is to be ignored.
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.cache"), "fastcnn")


def folder_of(source: Source, root: str | None = None) -> str:
    """Return the folder of the files of a data set: `root`, or that in the cache."""
    return os.path.join(cache_folder(), source.name) if root is None else root


def is_cached(source: Source) -> bool:
    """Tell whether all files of a data set are in the cache, by their names and sizes."""
    folder = folder_of(source)
    try:
        return all(os.path.getsize(os.path.join(folder, each.name)) == each.size for each in source.files)
    except OSError:
        return False


def fetch(name: str, root: str | os.PathLike | None = None, *, progress: bool = True) -> tuple[str, ...]:
    """Download the files of a data set, unless they are there.

    Each comes from its publisher's address, or the next mirror if that fails; it is used only if its SHA-256
    is right. A download that was interrupted goes on where it stopped.

    Parameters
    ----------
    name : str
    root : path, optional
        Folder to put them into; another file of the same name is never overwritten there. Default: the cache.
    progress : bool
        Show a bar on the standard error if that is a terminal.

    Returns
    -------
    tuple of str
        The files; empty for a data set that is part of the package.

    Raises
    ------
    ArgumentError
        If there is no data set of that name.
    DataError
        If a file cannot be had or written: the message says why, for each address.
    """
    # Not above: the network's modules take longer to import than all else here.
    from .download import download

    source, folder = _arguments(name, root, "fetch")
    return tuple(download(file, folder, progress=progress, replace=root is None) for file in source.files)


def verify(name: str, root: str | os.PathLike | None = None) -> dict[str, str]:
    """Compare the downloaded files of a data set with their SHA-256.

    Parameters
    ----------
    name : str
    root : path, optional
        Folder of the files. Default: the cache.

    Returns
    -------
    dict
        Path of each official file -> "right", "wrong" or "missing". Empty for a data set that is part of the
        package: its files are compared whenever they are read.

    Raises
    ------
    ArgumentError
        If there is no data set of that name.
    DataError
        If a file cannot be read.
    """
    from .download import is_right

    source, folder = _arguments(name, root, "verify")
    result = {}
    for file in source.files:
        path = os.path.join(folder, file.name)
        result[path] = "right" if is_right(file, path) else "wrong" if os.path.lexists(path) else "missing"
    return result


def _arguments(name: object, root: object, what: str) -> tuple[Source, str]:
    if not isinstance(name, str):
        raise DTypeError(f"{what}: name must be a str, got {name!r}")
    if root is not None and not isinstance(root, str | os.PathLike):
        raise DTypeError(f"{what}: root must be a path, got {root!r}")
    source = find(name, what)
    if root is not None and not source.files:
        raise ArgumentError(f"{what}: {name} is part of the package: there is nothing for root={root!r}")
    return source, folder_of(source, None if root is None else os.fspath(root))
