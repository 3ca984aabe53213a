#!/bin/bash
# Asks the sidecar for files and has the program transform each: watch.sh LANGUAGE COMMAND FOLDER
set -u
language=$1 command=$2 folder=$3
mkdir -p "$folder"

field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$1" "$2"; }

until exec 3<>/dev/tcp/localhost/8081; do sleep 0.2; done 2>/dev/null
while true; do
    printf 'GeT\n' >&3
    IFS= read -r work <&3 || exit 0
    [ "$work" != "stop." ] || exit 0
    input=$(field "$work" downloadPath)
    output=$folder/$(field "$work" safeOutputFileName)
    if "$language" "$command" "$input" "$output" "$(field "$work" result-format)" >"$folder/abc.log" 2>&1; then
        printf 'success.\n' >&3
    else
        printf 'failure.\n' >&3
    fi
    IFS= read -r confirmed <&3 || exit 0
done
