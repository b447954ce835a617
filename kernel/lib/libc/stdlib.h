/* SPDX-License-Identifier: MIT */
/* libfdt includes it and uses nothing of it (number parsing is for overlays, which are not
 * compiled). */
#pragma once

#include <stddef.h>
