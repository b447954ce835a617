#!/bin/bash
# SPDX-License-Identifier: MIT
# git: a repository of 2,000 files, from init to clone and gc.
exec 2>&1
export HOME=$PWD GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000' GIT_CONFIG_NOSYSTEM=1 GIT_PROGRESS_DELAY=3600
git config --global user.name Name
git config --global user.email name@example.org
git config --global init.defaultBranch main
git config --global advice.detachedHead false; git config --global gc.auto 0
git config --global protocol.file.allow always
files=${1:-2000}
git init repo; cd repo
for ((i = 0; i < files; i++)); do d=d$((i % 40)); [ -d $d ] || mkdir $d; printf 'file %d\nline\nline\n' $i > $d/f$i; done
git add .; git commit -q -m first; git log --oneline; git status --short | wc -l
for i in 1 2 3; do echo "change $i" >> d1/f1; git commit -q -a -m "change $i"; done
git checkout -q -b side HEAD~2; echo side > side.txt; git add side.txt
git commit -q -m side; git checkout -q main; git merge -q -m merge side
git log --graph --format='%h %s' | cat
git mv d1/f1 d1/renamed; git rm -q d2/f2; git diff --cached --stat -M | cat
git commit -q -m moved; git tag -a v1 -m tag; git describe
git blame d1/renamed | tail -1
git checkout -q -b conflict HEAD~1; echo other >> d1/f1
git commit -q -a -m other; git merge main | tail -2; git merge --abort
git rebase main | tail -1; git rebase --abort 2> /dev/null
git checkout -q main; git stash list | wc -l; echo dirty >> d3/f3
git stash -q; git status --short; git stash pop -q; git status --short
git checkout -q .
git gc -q; git count-objects -v | grep -v size
git fsck --full 2>&1 | grep -v dangling; git rev-parse HEAD
cd ..; git clone repo clone; git -C clone log --oneline | wc -l
diff -r -x .git repo clone && echo identical
git clone -q --bare repo bare.git; git clone -q "file://$PWD/bare.git" over
cd over; echo pushed > p; git add p; git commit -q -m pushed
git push -q origin main; git -C ../bare.git log -1 --format=%s
git -C ../clone pull -q ../over main; ls ../clone | wc -l
git grep -c line | wc -l; git ls-files | wc -l
git archive HEAD | tar -t | wc -l; git bundle create -q ../b HEAD
git bundle verify -q ../b && echo bundle; git worktree add -q ../wt HEAD~1
ls ../wt | wc -l; git bisect start HEAD HEAD~3 | tail -1; git bisect reset -q
git show --stat HEAD | tail -1; git nosuch; echo $?
