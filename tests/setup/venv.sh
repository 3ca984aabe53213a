#!/bin/sh
# venv.sh FOLDER [PYTHON]: make a virtual environment with a fit Python; leave a working one alone.
set -eu
folder=$1
asked=${2:-}

fit() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

version() {
    "$1" -c 'import platform; print("Python", platform.python_version())' 2>/dev/null || echo "not a working Python"
}

find_python() {
    for candidate in ${asked:-python3 python3.13 python3.12 python3.11}; do
        if fit "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

if fit "$folder/bin/python"; then
    exit 0
fi

python=$(find_python)
if [ -z "$python" ]; then
    tried=${asked:-python3}
    echo "ServiceX needs Python 3.11, 3.12 or 3.13, but '$tried' is $(version "$tried"):" \
         "install one of those, or name it with 'make PYTHON=/path/to/python3.12 ...'." >&2
    exit 1
fi

echo "Making $folder with $(version "$python")"
if ! "$python" -m venv --clear "$folder" >"$folder.log" 2>&1; then
    echo "'$python -m venv' failed; on Debian and Ubuntu the package python3-venv is needed. It said:" >&2
    cat "$folder.log" >&2
    rm -f "$folder.log"
    exit 1
fi
rm -f "$folder.log"
