/* SPDX-License-Identifier: MIT */
/* The headers that declare these functions are left out where they say more about the arguments than is needed to pass
 * them on. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS 1024
#define SIGNAL_SET 8 /* bytes of what the kernel calls a signal set */

static struct {
  bool watching;
  fault_call call;
  size_t at;
  int error;
  bool happened;
  size_t counts[FAULT_COUNT];
  bool own[DESCRIPTORS];
} state;

void faults_watch(fault_call call, size_t at, int error) {
  memset(&state, 0, sizeof state);
  state.watching = true;
  state.call = call;
  state.at = at;
  state.error = error;
}

bool faults_happened(void) {
  return state.happened;
}

size_t faults_counted(fault_call call) {
  return state.counts[call];
}

void faults_end(void) {
  state.watching = false;
}

static bool is_own(int fd) {
  return fd >= 0 && fd < DESCRIPTORS && state.own[fd];
}

static bool counts_as_failed(fault_call call) {
  if (!state.watching) return false;
  if (++state.counts[call] != state.at || call != state.call || !state.error) return false;
  state.happened = true;
  errno = state.error;
  return true;
}

static bool fails(fault_call call, int fd) {
  return is_own(fd) && counts_as_failed(call);
}

static int made(int fd) {
  if (state.watching && fd >= 0 && fd < DESCRIPTORS) state.own[fd] = true;
  return fd;
}

/* A declaration and the definition. */
#define CALL(type, name, ...)                                                                                          \
  type name(__VA_ARGS__);                                                                                              \
  type name(__VA_ARGS__)

CALL(int, socket, int domain, int type, int protocol) {
  return counts_as_failed(FAULT_socket) ? -1 : made((int)syscall(SYS_socket, domain, type, protocol));
}

/* Of the origin alone. libuv's way of closing is not seen here, so the number may have been the binding's. */
CALL(int, accept4, int fd, void *address, unsigned *len, int flags) {
  int accepted = (int)syscall(SYS_accept4, fd, address, len, flags);

  if (accepted >= 0 && accepted < DESCRIPTORS) state.own[accepted] = false;
  return accepted;
}

CALL(int, bind, int fd, const void *address, unsigned len) {
  return fails(FAULT_bind, fd) ? -1 : (int)syscall(SYS_bind, fd, address, len);
}

CALL(int, connect, int fd, const void *address, unsigned len) {
  return fails(FAULT_connect, fd) ? -1 : (int)syscall(SYS_connect, fd, address, len);
}

CALL(int, setsockopt, int fd, int level, int name, const void *value, unsigned len) {
  return fails(FAULT_setsockopt, fd) ? -1 : (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

CALL(int, getsockopt, int fd, int level, int name, void *value, unsigned *len) {
  return fails(FAULT_getsockopt, fd) ? -1 : (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

CALL(int, getsockname, int fd, void *address, unsigned *len) {
  return fails(FAULT_getsockname, fd) ? -1 : (int)syscall(SYS_getsockname, fd, address, len);
}

CALL(int, recvmmsg, int fd, void *messages, unsigned count, int flags, void *timeout) {
  return fails(FAULT_recvmmsg, fd) ? -1 : (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

CALL(ssize_t, sendmsg, int fd, const void *message, int flags) {
  return fails(FAULT_sendmsg, fd) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}

CALL(ssize_t, writev, int fd, const void *pieces, int count) {
  return fails(FAULT_write, fd) ? -1 : syscall(SYS_writev, fd, pieces, count);
}

CALL(int, shutdown, int fd, int how) {
  return fails(FAULT_shutdown, fd) ? -1 : (int)syscall(SYS_shutdown, fd, how);
}

CALL(int, epoll_ctl, int epoll, int operation, int fd, void *event) {
  return fails(FAULT_epoll_ctl, fd) ? -1 : (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

CALL(int, epoll_pwait, int epoll, void *events, int room, int timeout, const void *mask) {
  if (counts_as_failed(FAULT_epoll_wait)) return -1;
  return (int)syscall(SYS_epoll_pwait, epoll, events, room, timeout, mask, SIGNAL_SET);
}

CALL(int, epoll_wait, int epoll, void *events, int room, int timeout) {
  return epoll_pwait(epoll, events, room, timeout, NULL);
}

CALL(int, ioctl, int fd, unsigned long request, ...) {
  va_list args;
  void *arg;

  va_start(args, request);
  arg = va_arg(args, void *);
  va_end(args);
  return fails(FAULT_ioctl, fd) ? -1 : (int)syscall(SYS_ioctl, fd, request, arg);
}

int fcntl(int fd, int command, ...) {
  va_list args;
  void *arg;
  int result;

  va_start(args, command);
  arg = va_arg(args, void *);
  va_end(args);
  if (fails(FAULT_fcntl, fd)) return -1;
  result = (int)syscall(SYS_fcntl, fd, command, arg);
  return command == F_DUPFD_CLOEXEC ? made(result) : result;
}

ssize_t read(int fd, void *data, size_t len) {
  return fails(FAULT_read, fd) ? -1 : syscall(SYS_read, fd, data, len);
}

ssize_t write(int fd, const void *data, size_t len) {
  return fails(FAULT_write, fd) ? -1 : syscall(SYS_write, fd, data, len);
}

int close(int fd) {
  bool failed = fails(FAULT_close, fd);
  int result = (int)syscall(SYS_close, fd);

  if (fd >= 0 && fd < DESCRIPTORS) state.own[fd] = false;
  if (failed) errno = state.error;
  return failed ? -1 : result;
}
