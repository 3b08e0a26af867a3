"""Element types: what is stored and what is summed are two types in the engine's kernels."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "src" / "fastcnn" / "_kernels" / "csrc"
COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]
FOLDERS = {"images": ("both", "images"), "channels": ("both", "channels")}


@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="there is no compiler")
@pytest.mark.parametrize("layout", FOLDERS)
def test_the_engine_mixes_no_stored_value_with_a_sum(layout):
    """A stored type that is a struct compiles only where nothing takes it for a number."""
    macros = {
        "STORED": "struct stored_value { float number; }",
        "REAL": "float",
        "REAL_BYTES": "4",
        "VARIANT": "test",
        "LAYOUT": layout,
        f"LAYOUT_{layout.upper()}": "1",
    }
    command = [COMPILER, "-std=gnu11", "-fsyntax-only", "-Werror=incompatible-pointer-types", f"-I{CSRC}"]
    command += [f"-DFCN_{name}={value}" for name, value in macros.items()]
    sources = [path for folder in FOLDERS[layout] for path in (CSRC / "engine" / folder).glob("*.c")]
    sources = [path for path in sources if "tiles" not in path.name]  # which are for bfloat16 alone
    assert len(sources) > 8
    done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
