// SPDX-License-Identifier: MIT
//
// Unwinding out of a signal handler, as exceptions, thread cancellation and debuggers do: the
// unwinder must find the interrupted function with all its registers behind the handler's frame.

#include "abi.h"

#include <unwind.h>

static volatile int* nowhere;
static volatile int sink;
static int on_alternate_stack;

__attribute__((noinline)) static void faults(void) {
  // The value is in a register that only the signal frame has.
  register long kept __asm__("x21") = 4711;
  __asm__ volatile("" : "+r"(kept));
  *nowhere = 1;
  __asm__ volatile("" : : "r"(kept));
  sink = (int)kept;
}

__attribute__((noinline)) static void middle(void) {
  faults();
  sink = 1;
}

__attribute__((noinline)) static void outer(void) {
  middle();
  sink = 2;
}

static _Unwind_Reason_Code show(struct _Unwind_Context* context, void* data) {
  int before = 0;
  int* count = data;
  uintptr_t at = _Unwind_GetIPInfo(context, &before);
  void* function = _Unwind_FindEnclosingFunction((void*)(before ? at : at - 1));
  const char* name = function == (void*)faults   ? "faults"
                     : function == (void*)middle ? "middle"
                     : function == (void*)outer  ? "outer"
                     : function == NULL          ? "unknown"
                                                 : "other";
  say("frame %d: %s%s", (*count)++, name, before ? ", interrupted" : "");
  if (function == (void*)faults) say("x21 %ld", (long)_Unwind_GetGR(context, 21));
  return function == (void*)outer ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void handler(int number) {
  int count = 0;
  say("signal %d, alternate stack %d", number, on_alternate_stack);
  _Unwind_Backtrace(show, &count);
  exit(0);
}

static void run(void) {
  static char stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  int flags = on_alternate_stack ? SA_ONSTACK : 0;
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  MUST(sigaltstack(&alternate, NULL));
  MUST(sigaction(SIGSEGV, &action, NULL));
  outer();
}

int main(void) {
  for (on_alternate_stack = 0; on_alternate_stack < 2; on_alternate_stack++) IN_CHILD(run);
}
