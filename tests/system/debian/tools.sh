#!/bin/bash
# SPDX-License-Identifier: MIT
# openssl, jq, ripgrep, Go programs, musl, tmux.
exec 2>&1
echo "== openssl"
echo text | openssl dgst -sha256; openssl dgst -sha3-256 -r /bin/bash | wc -c
openssl rand -hex 16 | wc -c; openssl genpkey -algorithm ed25519 -out key
openssl pkey -in key -pubout -out pub; echo data > data
openssl pkeyutl -sign -inkey key -rawin -in data -out sig
openssl pkeyutl -verify -pubin -inkey pub -rawin -in data -sigfile sig
openssl req -x509 -newkey rsa:1024 -nodes -keyout k -out c -subj /CN=name -days 1 2> /dev/null
openssl x509 -in c -noout -subject
openssl enc -aes-256-cbc -pbkdf2 -k pass -in data | openssl enc -d -aes-256-cbc -pbkdf2 -k pass
openssl speed -seconds 1 -bytes 1024 -evp aes-128-gcm 2> /dev/null | grep -c AES
openssl speed -seconds 1 -multi 2 -bytes 64 -evp sha256 2> /dev/null | grep -c ^sha
openssl version | cut -c1-9; openssl prime 1000003
openssl list -providers | head -2
openssl verify -CApath /etc/ssl/certs /etc/ssl/certs/ISRG_Root_X1.pem
echo "== jq"
echo '{"a":[1,2,{"b":"c"}],"n":1.5}' | jq -c '.a[2].b, (.a|length), keys, (.n*2|floor)'
seq 50000 | jq -s add; echo '{' | jq .; echo $?
jq -n '[range(100000)]|map(.*2)|length'
jq -nr '"\(1+1) \(now > 0) \(env.HOME)"'
echo "== ripgrep"
mkdir -p r/{a,b}
for i in $(seq 200); do echo "line $i needle$((i % 10))" > r/a/$i.txt; done
echo '*.log' > r/.ignore; echo needle5 > r/b/x.log
rg -c needle5 r --sort path | head -3; rg -l needle5 r | wc -l
rg --no-ignore -l needle5 r | wc -l
rg -j4 -N -I --sort path 'needle(1|2)$' r | tail -1; rg nothing r; echo $?
rg --files r | wc -l; seq 300000 | rg -c 99; rg -U 'a\nb' <(printf 'a\nb\n')
rg -z needle <(echo x); rg --type-list | grep -c rust
echo "== Go"
age-keygen -o age.key 2>&1 | cut -c1-16
echo secret | age -r "$(sed -n 's/# public key: //p' age.key)" | age -d -i age.key
head -c 3000000 /dev/zero | age -r "$(age-keygen -y age.key)" | age -d -i age.key | md5sum
seq 20000 | fzf -f 1999 | head -3
find /usr -type f | GOMAXPROCS=4 fzf -f bash | wc -l > /dev/null && echo fzf
echo x | age -d -i age.key 2>&1 | head -1; echo $?
GODEBUG=gctrace=1 fzf -f x < <(seq 200000) 2>&1 | grep -c gc > count
[ "$(cat count)" -gt 0 ] && echo collected; age --version | wc -l
echo "== musl"
/lib/ld-musl-aarch64.so.1 2>&1 | head -1
ls -l /lib/aarch64-linux-musl/libc.so > /dev/null && echo libc
echo "== tmux"
export TERM=xterm LC_ALL=C.UTF-8
# Until a window shows a line that matches; a minute is the hang detector.
shows() { for _ in $(seq 300); do tmux -L t capture-pane -p -t "$1" | grep -q "$2" && break; sleep 0.2; done; }
tmux -L t -f /dev/null new-session -d -x 60 -y 15 'PS1="$ " sh'; shows 0.0 '^\$'
tmux -L t send-keys 'echo in tmux $((6 * 7)); tty | cut -c1-9' Enter
shows 0.0 '^/dev'; tmux -L t capture-pane -p | grep -v -e '^$' -e '^\$$'
tmux -L t split-window -h 'exec sleep 600'
tmux -L t list-panes -F '#{pane_index} #{pane_width}x#{pane_height}'
tmux -L t new-window 'exit 3'; tmux -L t resize-window -t 0 -x 100 -y 30
tmux -L t send-keys -t 0.0 'stty size' Enter; shows 0.0 '^[0-9]* [0-9]*$'
tmux -L t capture-pane -p -t 0.0 | grep '^[0-9]* [0-9]*$'
tmux -L t kill-pane -t 0.1; tmux -L t send-keys -t 0.0 'echo asleep; sleep 500' Enter
shows 0.0 '^asleep'; sleep 1; tmux -L t send-keys -t 0.0 C-c
tmux -L t send-keys -t 0.0 'echo status $?' Enter; shows 0.0 '^status'
tmux -L t capture-pane -p -t 0.0 | grep '^status'
(until tmux -L t list-clients | grep -q .; do sleep 0.2; done; tmux -L t detach-client; tmux -L t kill-server) & script -qec 'tmux -L t attach' /dev/null < /dev/null > screen
wait; grep -c tmux screen > /dev/null; tmux -L t ls 2>&1 | sed 's/(.*//'
