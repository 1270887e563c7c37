/* SPDX-License-Identifier: MIT */
/* faults.h: the system calls that the binding makes, itself or through libuv, of which one can be made to fail.
 *
 * They are defined here, and the program's definitions stand before the C library's, for libuv too. While they are
 * watched, every descriptor that is made by `socket` or `fcntl` belongs to the binding; calls for others, those of the
 * test and of the origin that it plays, are neither counted nor failed. `write` stands for writev too, and `epoll_wait`
 * for epoll_pwait. */
#ifndef H3EDGE_TEST_UNIT_UV_FAULTS_H
#define H3EDGE_TEST_UNIT_UV_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
#define FAULT_CALLS(X) \
  X(socket) X(bind) X(setsockopt) X(getsockopt) X(getsockname) X(fcntl) X(ioctl) X(epoll_ctl) X(epoll_wait) \
  X(connect) X(recvmmsg) X(sendmsg) X(read) X(write) X(shutdown) X(close)
/* clang-format on */

#define FAULT__NAME(name) FAULT_##name,
typedef enum fault_call { FAULT_CALLS(FAULT__NAME) FAULT_COUNT } fault_call;

/* From now on calls are counted, and the one with the number `at`, from 1, sets errno to `error` (0: none fails). A
 * descriptor is gone also when closing it fails, as on Linux. */
void faults_watch(fault_call call, size_t at, int error);
bool faults_happened(void);
size_t faults_counted(fault_call call);
void faults_end(void);

#endif
