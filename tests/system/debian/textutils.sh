#!/bin/bash
# SPDX-License-Identifier: MIT
# findutils, grep, sed, gawk, diffutils.
exec 2>&1
mkdir -p t/{a,b,c}/{x,y}
for d in t/*/*; do seq 20 > $d/n; echo "needle in $d" > $d/f.txt; done
ln -s a t/link; touch -d 2001-01-01 t/a/x/old; : > t/empty
echo "== find"
find t -type f -name '*.txt' -newer t/a/x/old | sort; find t -empty | sort
find -L t -samefile t/a/x/n | sort
find t -size +0 -type f -printf '%p %s %m\n' | sort | tail -3
find t -maxdepth 1 -type l -ls | awk '{print $NF}'
find t -type f -print0 | sort -z | xargs -0 -n 5 -P 4 grep -l needle | sort | wc -l
find t -name n -exec wc -c {} + | tail -1
find t -name n -execdir sh -c 'basename "$PWD"' \; | sort | uniq -c
find t -perm /111 -type d | wc -l; find t -regex '.*/[ab]/.*txt' -delete
find t | wc -l; seq 10 | xargs -n 3 echo; seq 100000 | xargs echo | wc -lw
xargs -a t/empty echo none; echo false | xargs -I{} sh -c 'exit 3'; echo $?
find /proc/self/fd -type l | wc -l
echo "== grep"
grep -rn needle t | sort; grep -c 1 t/c/x/n
grep -E '^(1|2)[0-9]$' t/c/x/n | head -3
grep -P '(?<=1)\d' -o t/c/x/n | head -2; grep -v 1 t/c/x/n | paste -sd,
grep -w -A1 -B1 5 t/c/x/n; printf 'a\0b' | grep -c a; grep nothing t/empty
echo $?; grep -F -f <(echo 7) t/c/x/n; seq 200000 | grep -c 9
zgrep -c 1 <(gzip < t/c/x/n)
echo "== sed"
sed -n '5,7p;$=' t/c/x/n; sed -i.bak 's/^1/X&/' t/c/x/n
diff t/c/x/n.bak t/c/x/n; sed -E 's/(.)(.)/\2\1/;t;d' t/c/x/n.bak | head -3
seq 5 | sed 'N;P;D'; seq 6 | sed '1~2{h;d};G'
echo hello | sed 'y/el/ip/;s/./\U&/;a\end'
sed '2r /etc/debian_version' <(seq 3) | wc -l
seq 3 | sed 'w out' > copy; cmp copy out && echo w; sed --posix 's/a\|b/x/' <<< a
seq 100000 | sed '$!N;s/\n/ /' | tail -1; echo 'echo run' | sed 'e'
echo "== gawk"
awk 'BEGIN { printf "%d %s %.3f\n", 42, "text", atan2(0, -1) }'
gawk -F: '{ n[$7]++ } END { for (k in n) print n[k], k | "sort" }' /etc/passwd
gawk 'BEGIN { "echo piped" | getline x; print x; cmd = "cat"; print "to coprocess" |& cmd; close(cmd, "to"); cmd |& getline y; print y; while (("seq 3" | getline l) > 0) s += l; print s }'
gawk --version | head -1
gawk 'BEGIN { PROCINFO["sorted_in"] = "@ind_num_asc"; for (i = 10; i > 0; i--) a[i] = i * i; for (k in a) printf "%s ", a[k]; print ""; print strftime("%F", 0, 1), length("héllo"), toupper("x"), gensub(/(a)(b)/, "\\2\\1", "g", "abab"), and(12, 10), strtonum("0x1f") }'
seq 200000 | gawk '{ s += $1 * $1 } END { print s }'
mawk 'BEGIN { for (i = 0; i < 300000; i++) s += i; print s }'
gawk 'BEGIN { system("exit 7"); print system("exit 7"); exit 9 }'; echo $?
gawk 'BEGIN { print "in" > "/dev/stdout"; printf "to stderr\n" > "/dev/stderr"; print ENVIRON["HOME"] }'
echo "== diffutils"
diff -u <(seq 10) <(seq 2 11) | tail -n +3; diff -r t t && echo same
diff -y -W 20 <(seq 3) <(seq 2 4)
cmp <(echo a) <(echo b) | sed 's/.*differ/differ/'
diff3 <(echo a) <(echo b) <(echo c); sdiff -s <(seq 3) <(seq 4)
diff -q t/a t/b; echo $?
