#!/bin/bash
# SPDX-License-Identifier: MIT
# gcc and g++: compile and run C, C++, threads, shared libraries.
exec 2>&1
cat > hello.c <<'C'
#include <stdio.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static __thread int local; static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; static long total;
static void *work(void *argument) { local = (int)(long)argument; for (int i = 0; i < 10000; i++) { pthread_mutex_lock(&lock); total += local; pthread_mutex_unlock(&lock); } return argument; }
int main(int argc, char **argv) { pthread_t threads[8]; for (long i = 0; i < 8; i++) pthread_create(&threads[i], 0, work, (void *)i); for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
  char *text = malloc(1 << 20); memset(text, 'x', 1 << 20); printf("total %ld, sqrt %f, %d arguments, %zu\n", total, sqrt(argc), argc, strnlen(text, 1 << 20)); free(text); return 3; }
C
for how in -O0 "-O2 -flto" "-static -O2" "-static-pie -O1" "-O2 -fsanitize=undefined" "-g -fno-pie -no-pie"; do gcc $how hello.c -o hello -pthread -lm && ./hello a b; echo "$how: $?"; done
gcc -fsanitize=address -g hello.c -o hello -pthread -lm && ./hello a; echo "address: $?"
gcc -fsanitize=thread hello.c -o hello -pthread -lm && ./hello a b c; echo "thread: $?"
gcc -S -O2 -o - -x c - <<< 'int f(int x) { return x * 3; }' | grep -c add
echo 'int main( {' | gcc -x c - 2>&1 | head -1
gcc -E -dM -x c /dev/null | grep -c __
cat > thing.cc <<'C'
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <regex>
#include <stdexcept>
#include <thread>
#include <vector>
struct Noisy { ~Noisy() { std::cout << "destroyed\n"; } }; thread_local Noisy noisy_thread; static Noisy noisy_static;
int depth(int n) { Noisy *none = nullptr; if (n == 0) throw std::runtime_error("deep"); (void)none; return depth(n - 1) + 1; }
int main() { try { depth(1000); } catch (const std::exception &e) { std::cout << e.what() << "\n"; } std::vector<std::future<long>> futures; for (int i = 0; i < 8; i++) futures.push_back(std::async(std::launch::async, [i] { long s = 0; for (int k = 0; k < 100000; k++) s += k % (i + 1); return s; })); long s = 0; for (auto &f : futures) s += f.get(); std::cout << s << "\n";
  std::thread([] { (void)&noisy_thread; std::cout << "thread\n"; }).join(); std::mutex m; std::condition_variable c; bool ready = false; std::thread t([&] { std::lock_guard g(m); ready = true; c.notify_one(); }); { std::unique_lock l(m); c.wait(l, [&] { return ready; }); } t.join(); std::ofstream("file") << "text"; std::cout << std::filesystem::file_size("file") << std::regex_match("abc1", std::regex("[a-z]+1")) << "\n"; std::atomic<int> n = 0; { std::vector<std::jthread> pool; for (int i = 0; i < 4; i++) pool.emplace_back([&] { for (int k = 0; k < 1000; k++) n++; }); } std::cout << n << "\n"; std::this_thread::sleep_for(std::chrono::milliseconds(10)); return 0; }
C
g++ -std=c++20 -O1 thing.cc -o thing -pthread && ./thing; echo $?
cat > lib.cc <<'C'
#include <cstdio>
thread_local int counter = 40; struct Init { Init() { std::puts("library loaded"); } ~Init() { std::puts("library unloaded"); } } init; static int slow(int x) { return x + 1; } extern "C" { static void *choose() { return (void *)slow; } int picked(int) __attribute__((ifunc("choose"))); int bump() { return ++counter; } int use(int x) { return picked(x); } }
C
cat > load.c <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static void *run(void *f) { int (*bump)(void) = f; bump(); return (void *)(long)bump(); }
int main(void) { void *h = dlopen("./lib.so", RTLD_NOW); if (!h) { puts(dlerror()); return 1; } int (*bump)(void) = dlsym(h, "bump"), (*use)(int) = dlsym(h, "use"); pthread_t t; void *r; printf("%d\n", bump()); pthread_create(&t, 0, run, bump); pthread_join(t, &r); printf("%ld %d %d\n", (long)r, bump(), use(6)); printf("%s\n", dlsym(h, "none") ? "?" : "no symbol"); dlclose(h); return dlopen("/nosuch.so", RTLD_LAZY) != 0; }
C
g++ -shared -fPIC lib.cc -o lib.so && gcc load.c -o load && ./load; echo $?
LD_BIND_NOW=1 LD_DEBUG=statistics ./load 2>&1 | grep -c relocations
ldd ./load | wc -l
echo 'int getpid(void) { return 4711; }' | gcc -shared -fPIC -x c - -o fake.so
LD_PRELOAD=./fake.so python3 -c 'import os; print(os.getpid())'
