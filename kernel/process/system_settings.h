// SPDX-License-Identifier: MIT
// Settings of the whole system that calls and /proc/sys both read and change. Thread context.
#pragma once

#include "lib/string.h"

namespace kernel::settings {

inline constexpr size_t kNameLimit = 64;  // __NEW_UTS_LEN

Result<String> host_name();
Result<> set_host_name(StringView name);    // Inval when too long
Result<String> domain_name();
Result<> set_domain_name(StringView name);

// kernel.core_pattern and kernel.core_uses_pid (core(5)). A pattern that starts a program is Inval.
Result<String> core_pattern();
Result<> set_core_pattern(StringView pattern);
bool core_uses_pid();
void set_core_uses_pid(bool on);

uint64_t thread_limit();                    // kernel.threads-max, from the memory size

// vm.drop_caches: 1 pages, 2 names and inodes, 3 both; also returns empty slabs and cached frames.
void drop_caches(uint64_t what);
uint64_t last_cache_drop();

// vm.overcommit_memory: 0 heuristic, 1 always, 2 never.
uint64_t overcommit_mode();
void set_overcommit_mode(uint64_t mode);
bool randomise_addresses();                 // kernel.randomize_va_space
void set_randomise_addresses(bool on);

}  // namespace kernel::settings
