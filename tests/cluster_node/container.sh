#!/bin/sh
# Runs a command as a container would: on a copy-on-write root, with the volumes given, with few capabilities.
# Started by container.py in mount and process namespaces of its own:
#   container.sh FOLDER IMAGE CAPABILITIES CHECKOUT [SOURCE:PATH:ro|rw]... -- COMMAND...
set -eu
folder=$1 image=$2 capabilities=$3 checkout=$4
shift 4

mount -t tmpfs none "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
[ -z "$image" ] || cp -r "$image/." "$folder/upper"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mount -t proc proc proc
mount --rbind /dev dev
# Folders that may be file systems of their own; and Python may be in a home that nobody else may enter.
for name in tmp work; do
    [ ! -d "/$name" ] || mount --rbind "/$name" "$name"
done
chmod 755 root

while [ "$1" != -- ]; do
    source=${1%%:*} rest=${1#*:}
    # As the container sees it: from here, a link to /run would lead out of its root.
    path=$(chroot . realpath -m "${rest%:*}") mode=${rest##*:}
    mkdir -p "./$path"
    mount --bind "$source" "./$path"
    [ "$mode" = rw ] || mount -o remount,bind,ro "./$path"
    shift
done
shift
# What stands for the image may lie below a folder that a volume has just covered.
if [ ! -e ".$checkout/setup.py" ]; then
    mkdir -p ".$checkout"
    mount --bind "$checkout" ".$checkout"
fi
exec chroot . setpriv --bounding-set="$capabilities" --inh-caps=-all --no-new-privs "$@"
