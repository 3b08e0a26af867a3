"""``python -m tests.valgrind``: run `programs` under valgrind; what it reports outside of the kernels is not ours."""

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
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = ["valgrind", "--xml=yes", f"--xml-file={report}", "--error-limit=no", "--num-callers=20"]
        # It knows no AVX-512; Python's own allocator would hide what is freed.
        env = {**os.environ, "FASTCNN_ISA": "avx2", "PYTHONMALLOC": "malloc", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run([*command, sys.executable, "-m", f"{__package__}.programs"], env=env)
        if done.returncode:
            return done.returncode
        errors = list(ET.parse(report).iter("error"))
    ours = [error for error in errors if any(map(_is_ours, list(error.iter("frame"))[:_FRAMES]))]
    for error in ours:
        what = error.findtext("what") or error.findtext("xwhat/text")
        frames = [f"    {frame.findtext('fn')} ({frame.findtext('obj')})" for frame in error.iter("frame")]
        print("\n".join([f"{error.findtext('kind')}: {what}", *frames]))
    print(f"{len(ours)} errors of the kernels, {len(errors) - len(ours)} elsewhere")
    return min(len(ours), 1)


def _is_ours(frame: ET.Element) -> bool:
    return _OURS in (frame.findtext("obj") or "")


if __name__ == "__main__":
    sys.exit(main())
