"""Build of the compiled kernels; everything else about the package stands in pyproject.toml.

A C file of ``src/fastcnn/_kernels/csrc`` is compiled for each instruction set, element type and, in the
engine, layout of buffers, as its folder says (`FOLDERS`), into one extension, ``fastcnn._kernels.cpu``, which
picks an instruction set when it is imported. The other Cython modules reach the kernels through pointers that
it gives them, so one binary runs on every machine of an architecture.

Two builds with the same tools give the same bytes, in whichever folders, if SOURCE_DATE_EPOCH is set.

Environment: FASTCNN_DEBUG=1 builds with debug information and -O1; FASTCNN_SANITIZE=memory adds
AddressSanitizer and UBSan, FASTCNN_SANITIZE=threads adds ThreadSanitizer; CC chooses the compiler.
"""

import gzip
import os
import re
import subprocess
import sysconfig
import tarfile
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

KERNELS = Path("src/fastcnn/_kernels")
CSRC = KERNELS / "csrc"
DEBUG = os.environ.get("FASTCNN_DEBUG") == "1"
SANITIZE = os.environ.get("FASTCNN_SANITIZE", "")

# Element type -> the C types of what is stored and of what is computed and summed in, the latter's bytes, and
# how many stored numbers a multiply-add takes of each factor (csrc/common/stored.h).
ELEMENT_TYPES = {
    "float32": ("float", "float", 4, 1),
    "float64": ("double", "double", 8, 1),
    "bfloat16": ("fcn_bfloat16", "float", 4, 2),
}
# Instruction set -> compiler flags, and the element types that have kernels for it: others have those of a
# set before it. "baseline" is what the architecture guarantees (SSE2, NEON).
AVX512 = ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"]
BF16 = [*AVX512, "-mavx512bf16"]
X86_SETS = {
    "baseline": ([], list(ELEMENT_TYPES)),
    "avx2": (["-mavx2", "-mfma"], list(ELEMENT_TYPES)),
    "avx512": (AVX512, ["float32", "float64"]),
    "avx512_bf16": (BF16, ["bfloat16"]),
    "amx_in_c": (BF16, ["bfloat16"]),
    "amx": ([*BF16, "-DFCN_AMX=1"], ["bfloat16"]),
}
# What the assembler must know of a set, as the compiler need not.
INSTRUCTIONS = {"amx": "tdpbf16ps %tmm2, %tmm1, %tmm0"}
# Instruction sets that have products by tiles, see csrc/common/tiles.h, and else the kernels of another set.
# "amx_in_c", for tests, does in plain C what "amx" does. The files of such products are compiled for these
# alone, and of the others only what every set has.
TILED = {"amx_in_c": "avx512_bf16", "amx": "avx512_bf16"}
OF_TILES = {"conv_tiles.c", "conv_weight_tiles.c", "weight_of_all_tiles.c"}
OF_EVERY_SET = {"list.c", "kernels.c"}
# What the files of a folder are compiled for: once, or for every element type on every instruction set, and
# then for each of these layouts of the engine's buffers. Types that take two terms have the layout "channels"
# alone, and nothing eager.
FOLDERS = {
    "common": "once",
    "threads": "once",
    "engine": "once",
    "": [""],
    "eager": ["eager"],
    "data": ["eager"],
    "engine/both": ["images", "channels"],
    "engine/images": ["images"],
    "engine/channels": ["channels"],
}
# What is there only for types that are stored as they are summed: see _AS_SUMMED in operations.inc.
AS_SUMMED = {"losses.c", "softmax.c", "dense.c", "dense_grad.c", "conv_weight_of_all.c"}
C_FLAGS = ["-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-fPIC", "-pthread"]
# How the instructions of a loop lie in cache lines changes its speed by some percent: functions and loops
# begin with a line.
KERNEL_FLAGS = ["-falign-functions=64", "-falign-loops=64"]
# A sum is fused multiply-adds in every kernel, or it has other bits in one than in another. Newer versions of
# GCC take chains of them apart (tuning avoid_256fma_chains), which is slower here besides; Clang has no such
# flag.
CHAINS = "--param=avoid-fma-max-bits=0"
WARNINGS = ["-Wall", "-Wextra", "-Wvla"]
RELEASE_FLAGS = ["-g0"]
DEBUG_FLAGS = ["-g", "-UNDEBUG"]
SANITIZE_FLAGS = {
    "": [],
    # Python's own flags make overflow wrap, which would hide it from the sanitizer.
    "memory": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-wrapv"],
    "threads": ["-fsanitize=thread"],
}


MAIN = "int main(void) { return 0; }\n"
NEEDS = "fastcnn is built from source and needs"


def compiles(compiler, flags=(), source=MAIN):
    """Tell whether the compiler turns `source` into a program with these flags."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.c"
        path.write_text(source)
        command = [*compiler, str(path), "-o", str(Path(folder) / "probe"), *flags]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except FileNotFoundError:
            return False


def check_tools(compiler, include_dirs):
    """Stop with a message that says what is missing, where a compiler would only print errors."""
    if not compiles(compiler):
        raise SystemExit(f"{NEEDS} a C compiler, GCC or Clang; {compiler[0]!r} does not work (Debian: gcc)")
    flags = [f"-I{path}" for path in [*include_dirs, sysconfig.get_path("include")]]
    if not compiles(compiler, flags, "#include <Python.h>\n" + MAIN):
        raise SystemExit(f"{NEEDS} Python's headers; there is no Python.h (Debian: python3-dev)")


def instruction_sets(compiler):
    """Instruction sets to build for the compiler's target, as X86_SETS has them."""
    is_x86 = compiles(compiler, source="#ifndef __x86_64__\n#error\n#endif\n" + MAIN)
    known = X86_SETS if is_x86 else {"baseline": X86_SETS["baseline"]}
    # Compilers learn new ones.
    return {
        isa: found
        for isa, found in known.items()
        if compiles(compiler, found[0], f'__asm__("{INSTRUCTIONS.get(isa, "")}");\n{MAIN}')
    }


class BuildKernels(build_ext):
    """build_ext that first compiles csrc for every instruction set and element type."""

    def build_extensions(self):
        """Compile the C kernels, then the Cython modules that use them."""
        compiler = self.compiler.compiler_so
        check_tools(compiler, self.compiler.include_dirs)
        isas = instruction_sets(compiler)
        common = [*C_FLAGS, *(DEBUG_FLAGS if DEBUG else RELEASE_FLAGS)]
        common += [*SANITIZE_FLAGS[SANITIZE], *(["-fno-omit-frame-pointer"] if SANITIZE else [])]
        chains = [CHAINS] if compiles(compiler, [CHAINS, "-Werror"]) else []
        objects = compile_kernels(
            [*compiler, *common, "-O1" if DEBUG else "-O3", *KERNEL_FLAGS, *chains, *WARNINGS], isas
        )
        for extension in self.extensions:
            # The glue has no loops worth optimising, and compiles several times faster so.
            extension.extra_compile_args = [*common, "-O1"]
            extension.extra_link_args = common
            if extension.name.endswith(".cpu"):
                extension.extra_objects = objects
                extension.define_macros = [("FCN_BUILT_FOR", f'"{",".join(isas)}"')]
                extension.define_macros += [(f"FCN_HAVE_{isa.upper()}", "1") for isa in isas]
                for isa, (_, elements) in isas.items():
                    every = " ".join(f"DO({element}, {isa})" for element in elements)
                    extension.define_macros.append((f"FCN_ELEMENTS_OF_{isa}(DO)", every))
        self.parallel = os.cpu_count()
        super().build_extensions()


class RepeatableSdist(sdist):
    """sdist that says nothing of when and by whom it was made, if SOURCE_DATE_EPOCH is set."""

    def make_archive(self, base_name, format, *arguments, **options):
        """Make the archive, then once more from its members, in order."""
        path = super().make_archive(base_name, format, *arguments, **options)
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is None or format != "gztar":
            return path
        written = Path(path)
        unordered = written.rename(f"{path}.tmp")
        with (
            tarfile.open(unordered) as old,
            written.open("wb") as file,
            gzip.GzipFile("", "wb", 9, file, int(epoch)) as packed,
            tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT) as new,
        ):
            for member in sorted(old.getmembers(), key=lambda member: member.name):
                content = old.extractfile(member) if member.isfile() else None
                member.mtime, member.uid, member.gid, member.uname, member.gname = int(epoch), 0, 0, "", ""
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                member.pax_headers = {}
                new.addfile(member, content)
        unordered.unlink()
        return path


def variants(isas, layout, file):
    """Yield (name, instruction set, macros) of each pair of set and type that a file is compiled for."""
    for isa, (_, elements) in isas.items():
        for element in elements:
            stored, real, size, terms = ELEMENT_TYPES[element]
            if terms > 1 and (layout not in ("", "channels") or file in AS_SUMMED):
                continue
            if file not in OF_EVERY_SET and (file in OF_TILES) != (isa in TILED):
                continue
            macros = {"STORED": stored, "REAL": real, "REAL_BYTES": size, "TERMS": terms}
            macros |= {"VARIANT": f"{element}_{isa}", "ELEMENT": f'"{element}"'}
            macros |= {"REST": f"{element}_{TILED[isa]}"} if isa in TILED else {}
            yield f"{element}_{isa}", isa, [f"-DFCN_{k}={v}" for k, v in macros.items()]


def objects_of(isas):
    """Yield (C file, name of the object, instruction set or None, macros) of all that is compiled."""
    for folder, layouts in FOLDERS.items():
        for source in sorted((CSRC / folder).glob("*.c")):
            stem = "_".join([*Path(folder).parts, source.stem])
            if layouts == "once":
                yield source, stem, None, []
                continue
            for layout in layouts:
                chosen = [f"-DFCN_LAYOUT={layout}", f"-DFCN_LAYOUT_{layout.upper()}"] if layout else []
                for variant, isa, macros in variants(isas, layout, source.name):
                    yield source, "_".join([stem, *filter(None, [layout]), variant]), isa, [*macros, *chosen]


def compile_kernels(command, isas):
    """Compile everything that is out of date; return all objects."""
    # Other flags or another compiler: another folder. All Python versions share the objects.
    folder = Path(f"build/csrc-{zlib.crc32(' '.join(command).encode()):08x}")
    folder.mkdir(parents=True, exist_ok=True)
    headers = [path for path in CSRC.rglob("*") if path.suffix in (".h", ".inc")]
    newest = max(path.stat().st_mtime for path in [*headers, Path(__file__)])
    jobs, objects = [], []
    for source, name, isa, flags in objects_of(isas):
        target = folder / f"{name}.o"
        objects.append(str(target))
        if target.exists() and target.stat().st_mtime > max(source.stat().st_mtime, newest):
            continue
        jobs.append((isa, [*flags, f"-I{CSRC}", "-c", str(source), "-o", str(target)]))
    commands = {None: command}
    for isa in sorted({isa for isa, _ in jobs if isa}):
        commands[isa] = read_before(folder, isa, [*command, *isas[isa][0]])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda job: run([*commands[job[0]], *job[1]]), jobs):
            pass
    return objects


def run(command):
    """Run the compiler, and stop with its message if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.stderr:
        print(done.stderr)
    if done.returncode:
        raise SystemExit(f"compiling the kernels failed: {' '.join(command)}")


def read_before(folder, isa, command):
    """Precompile the compiler's own header for an instruction set; return the command that knows it then.

    Read as it is, it takes as long as most of the files that need it.
    """
    header = folder / f"{isa}.h"
    header.write_text("#if defined(__x86_64__)\n#include <immintrin.h>\n#endif\n")
    run([*command, "-x", "c-header", str(header), "-o", f"{header}.gch"])
    return [*command, "-include", str(header)]


def declare_eager_kernels():
    """Write csrc/eager/kernels.inc in Cython's language, for cpu.pxd to include; return the folder."""
    source = (CSRC / "eager/kernels.inc").read_text()
    code = re.sub(r"/\*.*?\*/|^#.*?$", "", source, flags=re.DOTALL | re.MULTILINE)
    members = []
    for entry in code.split("EAGER_KERNEL")[1:]:
        parts = re.fullmatch(r"\((\w+), (\w+), ([^()]+)\)", entry.strip())
        if parts is None:
            got = f"EAGER_KERNEL{entry.strip()}"
            raise SystemExit(f"csrc/eager/kernels.inc: {got} is not EAGER_KERNEL(type, name, arguments...)")
        kind, name, arguments = parts.groups()
        members.append(f"        {kind} (*{name})({' '.join(arguments.split())}) noexcept nogil")
    lines = [
        'cdef extern from "kernels.h" nogil:',
        "    ctypedef struct fcn_eager:",
        *members,
    ]
    target, text = Path("build/include/eager_kernels.pxi"), "\n".join(lines) + "\n"
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return target.parent


# What all Cython modules have in common is compiled once: the views of arrays.
SHARED = "fastcnn._kernels._cython"
extensions = [
    Extension(f"fastcnn._kernels.{path.stem}", [str(path)], include_dirs=[str(CSRC)])
    for path in sorted(KERNELS.glob("*.pyx"))
]
extensions.append(Extension(SHARED, [f"{KERNELS}/_cython.c"]))
for extension in extensions:
    extension.depends = ["setup.py", *(str(path) for path in [*CSRC.rglob("*.*"), *KERNELS.glob("*.pxd")])]

setup(
    ext_modules=cythonize(
        extensions,
        include_path=["src", str(declare_eager_kernels())],
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        shared_utility_qualified_name=SHARED,
        compiler_directives={
            "language_level": "3",
            # The Cython code takes the address of element 0 of arrays that may be empty; the loops are in C,
            # which the debug build checks with sanitizers.
            "boundscheck": False,
            "cdivision": True,
            "initializedcheck": DEBUG,
            "freethreading_compatible": False,
        },
    ),
    cmdclass={"build_ext": BuildKernels, "sdist": RepeatableSdist},
)
