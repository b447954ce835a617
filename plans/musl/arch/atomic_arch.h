// SPDX-License-Identifier: MIT
// As syscall_arch.h: the operations that everything in atomic.h is made of, as functions.
#define a_barrier a_barrier
void a_barrier(void);

#define a_cas a_cas
int a_cas(volatile int *p, int t, int s);

#define a_cas_p a_cas_p
void *a_cas_p(volatile void *p, void *t, void *s);
