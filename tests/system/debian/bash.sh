#!/bin/bash
# SPDX-License-Identifier: MIT
# Job control, here-documents, process substitution, traps, coproc, and what bash does in the shell.
exec 2>&1
shopt -s extglob globstar nullglob
echo "== here documents"
name=world
cat <<END; cat <<'RAW'; cat <<<"string $name"
hello $name $((6 * 7)) $(echo nested)
END
raw $name
RAW
wc -l < <(seq 1000)
diff <(printf '%s\n' a b c) <(printf '%s\n' a x c)
tee >(tr a-z A-Z > upper) < <(echo both) > plain; sleep 1; cat upper plain
head -c 200000 /dev/zero | cat <(head -c 100000 /dev/zero) - | wc -c
echo "== traps"
trap 'echo got USR1' USR1
kill -USR1 $$
trap 'echo debug: $BASH_COMMAND' DEBUG; : one; trap - DEBUG
(trap 'echo exit $?' EXIT; exit 5); echo "status $?"
(set -e; trap 'echo err on $LINENO' ERR; false; echo unreached); echo "status $?"
(kill -TERM $BASHPID); echo "status $?"
(trap '' TERM; kill -TERM $BASHPID; echo survived)
f() { trap 'echo return' RETURN; return 3; }; f; echo "status $?"; trap - RETURN
echo "== coproc"
coproc BC { while read -r line; do echo "$((line))"; done; }
for text in 1+1 7*6 2**40; do echo "$text" >&"${BC[1]}"; read -r answer <&"${BC[0]}"; echo "$text=$answer"; done
exec {BC[1]}>&-; wait "$BC_PID"; echo "coproc ended $?"
echo "== jobs"
set -m
sleep 100 & sleep 200 &
jobs | sed 's/ *$//'
kill %1; wait %1; echo "status $?"
kill -STOP %2; sleep 1; jobs %2
kill -CONT %2; sleep 1; jobs %2 | sed 's/ *$//'
kill -KILL %2; wait %2 2> /dev/null; echo "status $?"
mkfifo /tmp/go
(read -r < /tmp/go; exit 9) & (exit 4) & wait -n; echo "first $?"
echo > /tmp/go; wait -n; echo "second $?"; rm /tmp/go
bash -c 'kill -STOP $$; echo continued' & sleep 1; jobs %% | sed 's/ [0-9][0-9]* / PID /'; fg %%
set +m
(ps -o pgid= -p $BASHPID; ps -o pgid= -p $$) | uniq | wc -l
echo "== expansion"
a=(one two "three four"); echo "${#a[@]} ${a[@]:1:1} ${a[-1]^^} ${a[*]/o/0}"
declare -A map=([x]=1 [y]=2)
for key in $(printf '%s\n' "${!map[@]}" | sort); do echo "$key=${map[$key]}"; done
text=/usr/share/doc.tar.gz; echo "${text##*/} ${text%%.*} ${text/share/lib} ${text:5:5}"
echo {a..e}{1..3} {01..10..3}; printf '%q %5.2f %x\n' "it's" 3.14159 255
mkdir -p d/e/f; touch d/x.c d/e/y.c d/e/f/z.h; echo d/**/*.c d/**/!(*.c)
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[2]} ${BASH_REMATCH[1]}"
read -r -t 0.2 nothing < <(sleep 2); echo "timeout $?" | sed 's/1[0-9][0-9]/timed out/'
mapfile -t lines < <(seq 5); echo "${#lines[@]} ${lines[4]}"
exec 9<>file; echo written >&9; exec 9>&-; cat file
echo "== limits and files"
ulimit -n; (ulimit -n 20; ulimit -n; exec 30>/dev/null) 2>&1 | sed 's/.*line [0-9]*: //'
umask 027; touch masked; stat -c %a masked; umask 022
set -o noclobber; echo x > masked2
(echo y > masked2) 2>&1 | sed 's/.*line [0-9]*: //'; set +o noclobber
TIMEFORMAT=%0R; time (exit 3); echo "status $?"
for i in {1..200}; do (exit $((i % 7))); total=$((total + $?)); done; echo "total $total"
echo $(for i in {1..50}; do echo $i | (read -r n; echo $((n * n))) & done; wait) | tr ' ' '\n' | sort -n | tail -1
nosuchcommand; echo "status $?"
./masked; echo "status $?"
exec -a renamed bash -c 'echo $0'
