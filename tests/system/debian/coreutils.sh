#!/bin/bash
# SPDX-License-Identifier: MIT
# coreutils: every program that can say the same twice.
exec 2>&1
mkdir -p a/b; printf 'one\ntwo\nthree\n' > text; seq 1 10000 > numbers
echo "== files"
cp -av text a/; cp -r --preserve=all a c; ln -s ../text a/link; ln text a/hard
readlink -f a/link
realpath --relative-to=/ a/link >/dev/null && echo relative
stat -c '%n %s %a %h %F' text a a/link
touch -d '2001-02-03 04:05:06.789 UTC' text; stat -c %y text
date -u -r text +%s
mv -v a/b a/d; mkdir -m 1777 sticky; stat -c %A sticky; chmod -v u+s,g-r text
chown -v 12:34 text; stat -c '%u %g' text; chown 0:0 text
install -D -m 640 -o 5 text x/y/z; stat -c '%a %u' x/y/z; mkfifo p
(echo through > p &); cat p; mknod null c 1 3 && echo nothing > null
stat -c '%t %T %F' null
truncate -s 1M sparse; stat -c '%s %b' sparse
dd if=/dev/zero of=sparse bs=1k seek=500 count=1 conv=notrunc status=none
du --apparent-size -k sparse; cp --sparse=always sparse sparse2
cmp sparse sparse2 && echo same
fallocate -l 64K alloc; stat -c %s alloc; fallocate -p -o 0 -l 4096 alloc && echo punched
shred -n 1 -u alloc && ls alloc; mktemp -p . t.XXXXXX | wc -c; rm t.*
split -n 4 numbers part.; cat part.* | cmp - numbers && echo split
csplit -s -f cs numbers 5000 && wc -l cs00 cs01
rm -rv a/d; unlink a/hard; rmdir -v sticky; sync text; df -P . | wc -l
ls -lR --time-style=+%Y a c | sed 's/ 20[0-9][0-9] / YEAR /'
ls -laZ text | wc -w; ls --color=always -d a text null p; dir
vdir -d --time-style=+ a
tee out1 out2 < text | md5sum; tail -c 5 text; tail -n +9999 numbers
(tail -f -n 1 numbers --pid $$ & sleep 1; echo 10001 >> numbers; sleep 1.3; kill $!)
echo "== text"
sort -R numbers | sort -n | cmp - <(seq 10001) && echo sorted
sort -S 1M --parallel=4 -T . -k1,1nr numbers | head -2; sort -c numbers
echo $?
shuf -i 1-100 | sort -n | sum; uniq -c <(printf 'a\na\nb\n')
comm <(seq 3) <(seq 2 4); join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n')
paste -d, <(seq 3) <(seq 4 6); cut -d: -f1,6 /etc/passwd | head -2
tr -dc 0-9 < text | wc -c; fold -w 10 <<< "the quick brown fox jumps"
fmt -w 20 <<< "the quick brown fox jumps over the lazy dog"
pr -l 20 -h title text | head -5 | sed 's/^20[0-9-]* [0-9:]*/DATE/'; nl text
tac text; rev text 2>/dev/null; expand <<< "a	b"; unexpand -a <<< "a       b"
od -A x -t x1z text | head -2; base64 text; base32 text
basenc --z85 -d <<< nope 2>&1 | head -1; cksum text; b2sum text; sha1sum text
sha256sum numbers; sha512sum text; md5sum text > sums; md5sum -c sums
head -c 100000 /dev/urandom | wc -c; numfmt --to=iec 123456789
ptx <<< "hello there world" | head -3; tsort <<< "a b b c"; wc text numbers
seq -s, -w 8 11; factor 1234567890123 18446744073709551557; expr 6 \* 7
printf '%b\n' 'a\tb'; echo -e 'x\ty'
echo "== system"
arch; [ "$(nproc --all)" = "$CPUS" ] && echo nproc; id; whoami; groups; logname 2>&1; uname -s -m
hostid | wc -c; printenv HOME; env -i A=1 env; pathchk -p /a/b; dirname /a/b
basename /a/b.c .c; tty; pwd -P; test -r text -a ! -d text && echo test
[ 3 -gt 2 ] && echo gt; true; false || echo false; sleep 0.01
timeout 0.2 sleep 5; echo $?; bash -c 'timeout -s KILL 0.2 sleep 5; exit $?' 2> /dev/null
echo $?; nice -n 5 nice; nohup echo nohup < /dev/null
stdbuf -oL echo buffered; chroot / /usr/bin/echo chrooted
chroot --userspec=65534:65534 / id -u; date -u -d @1000000000
date -d '2020-02-29 +1 year' +%F; users; who | wc -l; pinky | wc -l
stty size < /dev/null; kill -l | head -c 20; echo; yes | head -3
cat /proc/self/status | grep -c Threads; dircolors -b | head -c 10; echo
sha224sum < text; vdir --version | head -1
