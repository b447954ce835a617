#!/bin/bash
# SPDX-License-Identifier: MIT
# stress-ng: one second of each of the classes that a kernel has much to do with; what passed.
exec 2>&1
seconds=${1:-1}; shift
for stressor in ${*:-clone cpu fork futex hdd mmap pipe poll sem shm-sysv sigq switch timer vm}; do
  timeout 300 stress-ng --$stressor 2 -t "${seconds}s" --verify --vm-bytes 32M --hdd-bytes 8M --temp-path . > out 2>&1
  echo "$stressor $?"
  grep -E 'fail:|error:' out | sed 's/\[[0-9]*\]//' | head -3
done
