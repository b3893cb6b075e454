#!/bin/sh
# Installs the appliance from this folder: no internet, no compiler. Usage: sh install.sh [FOLDER]
# FOLDER becomes a virtual environment (default: ~/shop-appliance). PYTHON names another interpreter.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
folder=${1:-"$HOME/shop-appliance"}
python=${PYTHON:-python3}

fail() { echo "install.sh: $1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "$python was not found; name one: PYTHON=/path/to/python3 sh install.sh"
(cd "$here" && sha256sum --check --quiet --strict SHA256SUMS) ||
    fail "a file is damaged or was altered; nothing was installed. Copy the folder again."

# -I: neither PYTHON* variables nor the current folder may choose what runs.
"$python" -I - "$here/target.json" <<'CHECK' || exit 1
import json, platform, sys
with open(sys.argv[1]) as file:
    target = json.load(file)
python = ".".join(map(str, sys.version_info[:2]))
flags = set()
try:
    with open("/proc/cpuinfo") as file:
        flags = {flag for line in file if line.startswith("flags") for flag in line.split(":", 1)[1].split()}
except OSError:
    pass
v2 = {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"}
v3 = v2 | {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
needed = {"x86-64-v2": v2, "x86-64-v3": v3}.get(target["baseline"], set())
wrong = []
if python != target["python"]:
    wrong.append(f"it is for Python {target['python']}, and this is {python} (set PYTHON)")
if platform.machine() != target["machine"]:
    wrong.append(f"it is for {target['machine']}, and this is {platform.machine()}")
if flags and needed - flags:
    wrong.append(f"this processor is older than {target['baseline']}: it lacks {' '.join(sorted(needed - flags))}")
if wrong:
    sys.exit("install.sh: this wheelhouse does not fit: " + "; ".join(wrong) + ".")
CHECK

# pip runs from its wheel: Debian's Python has no ensurepip until python3-venv is installed.
"$python" -I -m venv --without-pip "$folder"
set -- "$here"/pip-*.whl
PIP_CONFIG_FILE=/dev/null "$folder/bin/python" "$1/pip" --isolated --disable-pip-version-check install \
    --quiet --no-index --find-links "$here" --require-hashes --requirement "$here/requirements.lock"
echo "Installed. Start it: $folder/bin/appliance demo"
