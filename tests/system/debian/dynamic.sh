#!/bin/bash
# SPDX-License-Identifier: MIT
# What the dynamic linker and the C++ run time need: see dynamic/.
exec 2>&1
for program in program program_fixed; do "/tests/programs/$program" /tests/programs/library.so; echo "status $?"; done
/lib/ld-linux-aarch64.so.1 --list /bin/bash | sed 's/ (0x.*//'
LD_BIND_NOW=1 /tests/programs/program /nosuch.so | tail -3
ln -s /tests/programs/program renamed; ./renamed /nosuch.so | sed -n 2p
LD_PRELOAD=/tests/programs/library.so /bin/true
setpriv --reuid 1000 --clear-groups /tests/programs/program /nosuch.so | head -1
/lib/ld-musl-aarch64.so.1 2>&1 | head -1; ldconfig -p | head -1; ldd /bin/sh | sed 's/ (0x.*//'
