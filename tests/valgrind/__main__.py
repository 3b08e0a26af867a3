"""``python -m tests.valgrind``: run `programs` under valgrind, and print what it reports in the kernels."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

_OURS = "fastcnn/_kernels"
# Of so many frames one is ours: what NumPy does with arrays of ours is reported there too.
_FRAMES = 6


def main() -> int:
    """Print the errors whose innermost frames are in the kernels; return how many there are."""
    if not errors("broken"):
        print("valgrind does not see an array that nothing was written to")
        return 1
    ours = errors("all")
    for error in ours:
        what = error.findtext("what") or error.findtext("xwhat/text")
        frames = [f"    {frame.findtext('fn')} ({frame.findtext('obj')})" for frame in error.iter("frame")]
        print("\n".join([f"{error.findtext('kind')}: {what}", *frames]))
    print(f"{len(ours)} errors in the kernels")
    return min(len(ours), 1)


def errors(which: str) -> list[ET.Element]:
    """Return the errors of ours in some programs."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = ["valgrind", "--quiet", "--xml=yes", f"--xml-file={report}", "--error-limit=no"]
        # It knows no AVX-512; Python's own allocator would hide what is freed.
        env = {**os.environ, "FASTCNN_ISA": "avx2", "PYTHONMALLOC": "malloc", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run(
            [*command, sys.executable, "-m", f"{__package__}.programs", which], env=env, check=True
        )
        return [error for error in ET.parse(report).iter("error") if _is_ours(error)]


def _is_ours(error: ET.Element) -> bool:
    # What is left when the process ends is Python's: tests/test_flat_memory.py looks for leaks.
    if (error.findtext("kind") or "").startswith("Leak_"):
        return False
    return any(_OURS in (frame.findtext("obj") or "") for frame in list(error.iter("frame"))[:_FRAMES])


if __name__ == "__main__":
    sys.exit(main())
