# SPDX-License-Identifier: MIT
# Kernel files that the unit tests run on this machine; each is listed once, by layer.
list(APPEND UNDER_TEST
  ${KERNEL}/lib/format.cc
  ${KERNEL}/sched/fair_queue.cc
  ${KERNEL}/sched/run_queue.cc
)
