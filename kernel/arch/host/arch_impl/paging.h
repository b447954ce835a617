// SPDX-License-Identifier: MIT
// The build machine walks the product's own table format, so that the tests test it.
#pragma once

#include "../../aarch64/arch_impl/paging.h"
