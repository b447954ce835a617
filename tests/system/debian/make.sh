#!/bin/bash
# SPDX-License-Identifier: MIT
# make: parallel, with the job server, recursion and what it remakes by times.
exec 2>&1
mkdir -p sub; cat > Makefile <<'M'
SRC := $(wildcard *.in)
OUT := $(SRC:.in=.out)
.PHONY: all clean jobs
all: $(OUT) sub/done
	@echo all made $(words $(OUT))
%.out: %.in
	@sleep 0.05; tr a-z A-Z < $< > $@
sub/done:
	@$(MAKE) --no-print-directory -C sub
jobs: $(addprefix j,$(shell seq 12))
j%:
	@sleep 0.1; echo $@ >> joblog
fail: ; @echo before; exit 3
define LINES
first
second
endef
export LINES
print: ; @echo "$$LINES"; echo $(foreach x,a b,$(x)$(x)) $(patsubst %.c,%.o,a.c b.c) $(shell echo $$((1+2)))
M
printf 'all: a b c\n\t@touch done\na b c:\n\t@sleep 0.05; touch $@\n' > sub/Makefile
for i in $(seq 20); do echo text $i > f$i.in; done
make -j4; make -j4; touch -d '+10 seconds' f3.in; make -n 2> /dev/null | head -2
make -s -j 2>&1 | grep -v -e 'in the future' -e 'Clock skew'; cat f3.out
touch -d '-10 seconds' f3.in; make -j8 jobs; sort -V joblog | paste -sd' '
make fail; echo $?; make -k nosuch; echo $?; make print; make -q; echo $?
ls sub; make --version | head -1; MAKEFLAGS=-j3 make -B -s | tail -1
make -l 100 -j 2 -B -s
