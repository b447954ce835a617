#!/bin/bash
# SPDX-License-Identifier: MIT
# What shows the state of the system: ps, top, free, vmstat, pmap, lsof, uptime, lsblk, lscpu and what util-linux has. Figures become N.
exec 2>&1
n() { sed -E 's/[0-9]+([.:][0-9]+)*/N/g; s/ +/ /g'; }
sleep 300 & child=$!; exec 7< /etc/passwd; sleep 1
echo "== ps"
ps -o stat=,ni=,comm=,args= -p $child
ps -o pid=,ppid=,pgid=,sid= -p $child | n; ps aux | head -1
ps -eo user,comm | grep -c bash; ps -fp $child | n
ps -L -p $child -o lwp=,nlwp=,cls=,rtprio=,pri=,psr= | n
ps -o rss=,vsz=,sz=,maj_flt=,min_flt= -p $$ | n
ps -o etimes=,time=,start_time= -p $child | n
ps --forest -o comm= -g $(ps -o sid= -p $$) | head -3
ps -o euser,ruser,suser,fuser,egroup -p $$
ps -o caught,ignored,blocked,pending -p $child
ps axo pid,tty,stat | grep -c . > /dev/null && echo axo; ps -o cgroup= -p $$
ps -o environ= -p $child | grep -c PATH; ps -o tty=,tpgid= -p $child
ps s $child | head -1; ps -o unit,slice,machine -p $$ | n | tail -1
echo "== top"
top -b -n 2 -d 0.3 -p $child | n | head -16 | sed 's/ [0-9N]* min,/ N min,/'
top -b -n 1 -H | sed -n '2,5p' | n; top -bn1 -o PID -w 100 | sed -n 7p
echo "== memory"
free | n; free -h -w -t | n | sed 's/N[KMG]i/N/g'; vmstat 1 2 | tail -2 | n
vmstat -s | n; vmstat -m | head -1 | n
pmap $child | n | sed 's/ [rwxps-]*N*/ P/' | tail -1
pmap -x $child | sed 's/^[0-9a-f]\{16\}/ADDRESS/' | head -3 | n
pmap -X $child | sed -n 2p; pmap $$ | grep -c libc.so.6
pmap -d $child | tail -1 | n
echo "== lsof"
lsof -p $child | awk '{print $4, $5, $NF}' | head -20
lsof -a -p $$ -d 7 -Fftn | n; lsof /etc/passwd | wc -l; lsof -U | head -1
lsof +D /nosuch | head -1; lsof -i | wc -l
lsof -t /bin/sleep | grep -cx $child; lsof -c sleep -F c | n | sort -u
echo "== others"
uptime | n; uptime -p | n | sed 's/minutes*/minutes/'; w -h | wc -l
pgrep -x sleep | grep -cx $child; pwdx $child | n; pkill -0 -x sleep; echo $?
[ "$(nproc)" = "$CPUS" ] && echo nproc; lsblk; lscpu | sed -E 's/ +/ /g' | cut -d: -f1 | grep -v Vulner
lscpu -e=CPU,ONLINE | head -2; [ "$(lscpu -p=CPU | grep -vc '#')" = "$CPUS" ] && echo lscpu
findmnt -n -o TARGET,FSTYPE /proc; findmnt -n -o FSTYPE /
mount | cut -d' ' -f3,5 | sort; df -h / | tail -1 | n; swapon --show
sysctl kernel.ostype kernel.pid_max vm.overcommit_memory kernel.hostname
sysctl -w kernel.hostname=other; hostname
sysctl -w kernel.hostname=samara > /dev/null; slabtop -o 2>&1 | head -1 | n
tload -V > /dev/null && echo tload; chrt -p $child | n; taskset -p $child | sed "s/: $(printf %x $(((1 << CPUS) - 1)))\$/: all/" | n
ionice -p $child; prlimit -p $child --nofile --raw
prlimit -p $child --core=1000:2000
prlimit -p $child -o RESOURCE,SOFT,HARD --core --raw
renice -n 5 -p $child | n; ps -o ni= -p $child; chrt -f -p 10 $child
chrt -p $child | n; choom -p $child | n; choom -n 500 -p $child | n
setpriv --reuid 1000 --clear-groups id; unshare --fork true; echo $?
fuser /etc/passwd 2> /dev/null | wc -w
pstree -A $$ | sed 's/---.*---sed//' | head -1; killall -0 sleep; echo $?
peekfd -V 2>&1 | head -1 | wc -l; prtstat $child | head -3 | n
dmesg | wc -l | grep -c .; hwclock --version | n; last -n 1 | wc -l
logger -s tested; zramctl; losetup -a; blkid; echo $?
flock lockfile echo locked
(flock -n 9 && echo got; flock -n lockfile echo second || echo busy) 9> lockfile
getopt -o ab: -- -a -b x y; hexdump -C <<< abc; column -t <<< "a b"
look 2>&1 | wc -l; mcookie | wc -c; namei -l /bin/sh | tail -1 | wc -w
rev <<< abc; whereis -b bash; cat /proc/loadavg | n; cat /proc/uptime | n
kill $child
