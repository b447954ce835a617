// SPDX-License-Identifier: MIT
// A library that the program loads while it runs: thread-local variables with a constructor and a
// destructor (TLS descriptors), a function chosen at load time (IFUNC), constructors, an exception.

#include <sys/auxv.h>

#include <cstdio>
#include <stdexcept>

namespace {

struct Announced {
  ~Announced() { std::puts("  a thread's variable is destroyed"); }
  int value = 40;
};

thread_local Announced announced;
thread_local long zeroed[1000];

struct Library {
  Library() { std::puts("library loaded"); }
  ~Library() { std::puts("library unloaded"); }
} library;

int chosen_at_load(int x) { return x + 1; }
using Function = int (*)(int);

}  // namespace

extern "C" {

__attribute__((used)) Function choose() { return chosen_at_load; }
int picked(int x) __attribute__((ifunc("choose")));

int use_picked(int x) { return picked(x); }
int bump() { return ++announced.value + static_cast<int>(++zeroed[999]); }
void fail() { throw std::runtime_error("across the border"); }
}
