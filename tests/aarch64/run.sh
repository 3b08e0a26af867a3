#!/usr/bin/env bash
# Cross-compile fastcnn for aarch64 and run the tests of its kernels under qemu: the NEON build, seen.
#
#     tests/aarch64/run.sh [pytest arguments]
#
# Needs a Debian, root (for debootstrap), and: apt-get install debootstrap qemu-user gcc-aarch64-linux-gnu
# The root file system with an aarch64 Python is made once, in build/aarch64.
set -euo pipefail
cd "$(dirname "$0")/../.."

VENV=${VENV:-${VIRTUAL_ENV:-.venv}}
BUILD=$PWD/build/aarch64
ROOT=$BUILD/root
SITE=$BUILD/site
ARM_PYTHON=$BUILD/python

if [ ! -x "$ROOT/usr/bin/python3" ]; then
    rm -rf "$ROOT"
    mkdir -p "$ROOT"
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # The first stage unpacks the essential packages only, and its second stage would have to run in there:
    # unpacking the rest is enough for a Python.
    debootstrap --foreign --arch=arm64 --variant=minbase --include=python3-dev "$suite" "$ROOT"
    for package in "$ROOT"/var/cache/apt/archives/*.deb; do
        dpkg -x "$package" "$ROOT"
    done
fi
# Under the name of this script, the interpreter can start itself again (sys.executable).
cat >"$ARM_PYTHON" <<END
#!/bin/sh
exec qemu-aarch64 -L "$ROOT" -0 "\$0" "$ROOT/usr/bin/python3" "\$@"
END
chmod +x "$ARM_PYTHON"
version=$("$ARM_PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

if [ ! -d "$SITE" ]; then
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --target "$SITE" \
        --platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 --platform any \
        --python-version "$version" --only-binary :all: \
        numpy safetensors tqdm tomli-w pytest pytest-benchmark hypothesis
fi

export CC=aarch64-linux-gnu-gcc LDSHARED="aarch64-linux-gnu-gcc -shared" SETUPTOOLS_EXT_SUFFIX=.so
export CFLAGS="-I$ROOT/usr/include/python$version -I$ROOT/usr/include"
"$VENV/bin/python" setup.py -q build --build-base "$BUILD" --build-lib "$BUILD/lib"

unset CFLAGS
export PYTHONPATH="$BUILD/lib:$SITE" PYTHONNOUSERSITE=1 FASTCNN_TESTS_EMULATED=1
if [ $# -eq 0 ]; then
    set -- tests/_kernels tests/ops tests/nn
    [ ! -d tests/engine ] || set -- "$@" tests/engine
fi
"$ARM_PYTHON" -c 'import fastcnn; fastcnn.show_config()'
exec "$ARM_PYTHON" -m pytest -q -p no:cacheprovider "$@"
