// SPDX-License-Identifier: MIT
// The same program, as C++.
#include "server.c"
