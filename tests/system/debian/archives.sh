#!/bin/bash
# SPDX-License-Identifier: MIT
# tar, gzip, bzip2, xz, zstd; file.
exec 2>&1
mkdir -p tree/sub; seq 20000 > tree/numbers
head -c 300000 /dev/zero > tree/zero; ln -s numbers tree/link
ln tree/numbers tree/hard; mkfifo tree/fifo; mknod tree/dev c 1 3
chmod 4750 tree/zero; chown -R 100:200 tree; touch -d @1000000000 tree/* tree
truncate -s 2M tree/sparse; echo end >> tree/sparse
for i in $(seq 300); do echo $i > tree/sub/file$i; done
for how in gzip:gz bzip2:bz2 xz:xz zstd:zst; do
tar --${how%%:*} -cf a.tar.${how##*:} --sort=name --mtime=@0 tree; mkdir out
tar -xpf a.tar.${how##*:} -C out
diff -r --no-dereference -x fifo -x dev tree out/tree && echo "${how##*:} same"
stat -c '%n %a %u %g %h %F' out/tree/* | head -4; rm -rf out
done
tar -tvzf a.tar.gz | head -3; tar -cSf s.tar tree/sparse; stat -c %s s.tar
tar -xSf s.tar -O tree/sparse | md5sum; tar -rf s.tar tree/link; tar -tf s.tar
tar -df s.tar && echo no difference; tar --delete -f s.tar tree/link
tar -tf s.tar; tar -cf - tree | (cd / && tar -tf - | wc -l); tar -xf nosuch
echo $?
tar -c --listed-incremental=snar -f i0.tar tree; echo new > tree/sub/new
tar -c --listed-incremental=snar -f i1.tar tree; tar -tf i1.tar | grep -c new
for tool in gzip bzip2 xz zstd; do $tool -q -k -9 -c tree/numbers > n.$tool; $tool -dc n.$tool | cmp - tree/numbers && echo "$tool $(stat -c %s n.$tool)"; $tool -t n.$tool; echo corrupt >> n.$tool; done
xz -T4 -c --block-size=50000 tree/numbers | xz -dc -T2 | md5sum
zstd -q -T4 -19 -c tree/zero | zstd -dc | md5sum
gzip -l a.tar.gz | awk 'NR==2{print $2}'; zcat a.tar.gz | wc -c
xzcat a.tar.xz | md5sum > /dev/null && echo xzcat; echo damaged | gzip -d
echo $?; head -c 1000 a.tar.xz | xz -dc 2>&1 | tail -1
gunzip -k -f a.tar.gz && ls a.tar; bzip2recover n.bzip2 > /dev/null 2>&1
ls rec* | wc -l
file -b a.tar.gz tree/dev /bin/bash tree/numbers a.tar | sed 's/BuildID[^,]*, //;s/last modified: [^,]*, //'
