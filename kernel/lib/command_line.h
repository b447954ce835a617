// SPDX-License-Identifier: MIT
// The kernel's command line, as Linux reads it (kernel-parameters.txt): words, "quoted spaces", and
// what the kernel does not know goes to init: `name=value` into its environment, the rest and
// everything after
// `--` into its arguments. Written at boot, read by anybody after.
#pragma once

#include <optional>
#include <span>

#include "lib/string_view.h"

namespace kernel::command_line {

// `text` must stay.
void init(StringView text);
StringView text();

// The last `name=value` (or bare `name`: an empty value).
std::optional<StringView> value(StringView name);
bool has(StringView name);
// Of two words that contradict each other, `name` is there and the later one.
bool is_last(StringView name, StringView other);
// With the suffixes K, M, G of sizes.
std::optional<uint64_t> number(StringView name);
std::optional<uint64_t> size(StringView name);
// Every value of a word that may come several times (console=), index from 0.
std::optional<StringView> value(StringView name, size_t index);

std::span<const StringView> init_arguments();    // without argv[0]
std::span<const StringView> init_environment();  // "NAME=value", HOME and TERM of Linux included

}  // namespace kernel::command_line
