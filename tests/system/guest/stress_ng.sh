#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside the guest: each stressor by itself, and what stress-ng said of it, on the standard output.
#     stress_ng.sh FOLDER SECONDS LIMIT STRESSOR…
trap : ALRM  # "resources" sends some to numbers that it has never got from fork(2)
folder=$1 seconds=$2 limit=$3; shift 3
for stressor; do
  mkdir -p "$folder/$stressor"; cd "$folder/$stressor" || exit
  echo "@@start $stressor"
  timeout -k 5 "$limit" stress-ng --"$stressor" 4 --timeout "$seconds" --verify --temp-path . \
    < /dev/null > "$folder/said" 2>&1
  echo "@@end $stressor $? $(base64 -w 0 "$folder/said")"
  # What a stressor left running would be taken for the next one's.
  pkill -KILL stress-ng
  ipcrm --all
  cd /; rm -rf "${folder:?}/$stressor" "$folder/said"
done
exit 0
