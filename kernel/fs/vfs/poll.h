// SPDX-License-Identifier: MIT
// Readiness is defined below the file layer, for devices.
#pragma once

#include "sched/poll.h"
