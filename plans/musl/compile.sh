# SPDX-License-Identifier: MIT
# Compiles each C file of musl with tcc, a process each, into /out/objects, and what compiled into
# /out/libc.a. What tcc refuses (it knows no assembly for arm64) is listed in /out/refused.
set -eu
export LC_ALL=C

mkdir -p /gen/bits /out/objects
sed -f tools/mkalltypes.sed arch/aarch64/bits/alltypes.h.in include/alltypes.h.in >/gen/bits/alltypes.h
{ cat arch/aarch64/bits/syscall.h.in; sed -n -e s/__NR_/SYS_/p arch/aarch64/bits/syscall.h.in; } \
  >/gen/bits/syscall.h
echo '#define VERSION "1.2.3"' >/gen/version.h

flags="-std=c99 -ffreestanding -nostdinc -D_XOPEN_SOURCE=700 -I/overrides -Iarch/aarch64
  -Iarch/generic -I/gen -Isrc/include -Isrc/internal -Iinclude"
compiled=0 refused=0
for file in src/*/*.c src/malloc/mallocng/*.c; do
  object=/out/objects/${file%.c}.o
  [ -d "${object%/*}" ] || mkdir -p "${object%/*}"
  if tcc $flags -c -o "$object" "$file" 2>/tmp/said; then
    compiled=$((compiled + 1))
  else
    refused=$((refused + 1))
    rm -f "$object"
    tail -n 1 /tmp/said >>/out/refused
  fi
done
tcc -ar rcs /out/libc.a /out/objects/src/*/*.o /out/objects/src/malloc/mallocng/*.o
echo "$compiled compiled, $refused refused"
[ "$compiled" -ge 1200 ]
