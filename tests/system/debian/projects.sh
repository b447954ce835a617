#!/bin/bash
# SPDX-License-Identifier: MIT
# tcc and musl-gcc; cmake with ninja and make: a small project is built, tested and installed.
exec 2>&1
cat > hello.c <<'C'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; static long total;
static void *work(void *argument) { for (int i = 0; i < 10000; i++) { pthread_mutex_lock(&lock); total += (long)argument; pthread_mutex_unlock(&lock); } return argument; }
int main(int argc, char **argv) { pthread_t threads[8]; for (long i = 0; i < 8; i++) pthread_create(&threads[i], 0, work, (void *)i); for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
  char *text = malloc(1 << 20); memset(text, 'x', 1 << 20); printf("total %ld, sqrt %f, %d arguments, %d\n", total, sqrt(argc), argc, (int)strnlen(text, 1 << 20)); free(text); return 3; }
C
tcc -lm -lpthread -run hello.c a; echo $?
tcc hello.c -o tcchello -lm -lpthread && ./tcchello; echo $?
musl-gcc -O1 hello.c -o mhello -pthread && ./mhello; echo $?
readelf -l mhello | grep -o '/lib/ld-[^]]*'
echo '_Thread_local int x = 5; int more(void) { return ++x; }' | musl-gcc -shared -fPIC -x c - -o more.so
echo '#include <dlfcn.h>
#include <stdio.h>
int main(void) { void *h = dlopen("./more.so", RTLD_NOW); int (*f)(void) = h ? (int (*)(void))dlsym(h, "more") : 0; printf("%d\n", f ? f() : -1); return 0; }' | musl-gcc -x c - -o mload && ./mload
mkdir -p project/src; cd project; cat > CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.20)
project(Small CXX C)
find_package(Threads REQUIRED)
add_library(small SHARED src/small.c)
add_executable(program src/main.cc)
target_link_libraries(program small Threads::Threads)
enable_testing()
add_test(NAME runs COMMAND program)
install(TARGETS program small)
C
echo 'int small(int x) { return x * 2; }' > src/small.c; echo '#include <cstdio>
#include <thread>
extern "C" int small(int);
int main() { int r; std::thread([&] { r = small(21); }).join(); std::printf("%d\n", r); return r != 42; }' > src/main.cc
cmake -G Ninja -B build -DCMAKE_INSTALL_PREFIX=$PWD/out | grep -v -e '([0-9.]*s)' -e 'Build files'
ninja -C build | tail -1; ./build/program
ctest --test-dir build 2>&1 | grep 'tests passed'; touch src/small.c
ninja -C build -n | tail -1; cmake --install build | sed "s,$PWD,,"
cmake -B make > /dev/null && make -s -j4 -C make | tail -1
ninja -C build -t targets | wc -l
