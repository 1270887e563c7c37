/* SPDX-License-Identifier: MIT */
/* group.c: the sockets of several workers at one address, and the program by which the kernel chooses between them. It
 * counts the sockets of a group in the order in which they were bound, and when one is closed it gives its number to
 * the last. So the group keeps all of them, from before the first worker begins until the last has ended, and what
 * workers serve are duplicates. */
#include <h3edge/uv.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

#include "uv/env.h"
#include "uv/udp.h"

struct h3edge_uv_group {
  h3edge__uv_env env; /* of which only the memory is used */
  h3edge_address bound;
  size_t count;
  int fds[]; /* by worker */
};

/* The first byte of the Destination Connection ID, modulo the workers: byte 1 of a datagram that begins with a short
 * header (RFC 8999 5.2), byte 6 with a long one (5.1). Where there is no such byte the result is 0. */
static int steer(int fd, size_t workers) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 2, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)workers),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  struct sock_fprog program;

  memset(&program, 0, sizeof program); /* the kernel is handed its padding too */
  program.len = sizeof steps / sizeof *steps;
  program.filter = steps;
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

/* The first socket is bound for itself, so that another program at this address is noticed, the same user's too, whose
 * group this would join otherwise. */
static int bind_all(h3edge_uv_group *group, const h3edge_address *address, size_t workers, const char **detail) {
  const int on = 1;
  int error;

  group->fds[0] = h3edge__udp_bind(address, false);
  if (group->fds[0] < 0) return h3edge__uv_explain(H3EDGE_ERR_SYSTEM, detail);
  group->count = 1;
  error = h3edge__udp_address(&group->bound, group->fds[0]);
  if (!error && workers > 1 && setsockopt(group->fds[0], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
    error = H3EDGE_ERR_SYSTEM;
  while (!error && group->count < workers) {
    int fd = h3edge__udp_bind(&group->bound, true);

    if (fd < 0)
      error = H3EDGE_ERR_SYSTEM;
    else
      group->fds[group->count++] = fd;
  }
  if (error) return h3edge__uv_explain(error, detail);
  if (workers == 1 || !steer(group->fds[0], workers)) return 0;
  if (detail) *detail = "the system refuses the program that gives datagrams to their workers";
  return H3EDGE_ERR_SYSTEM;
}

int h3edge_uv_group_new(h3edge_uv_group **out, const h3edge_address *address, size_t workers, const h3edge_mem *mem,
                        const char **detail) {
  h3edge__uv_env env = {.mem = mem};
  h3edge_uv_group *group;
  int system_error;
  int error;

  if (!out || !address || !address->len || !workers || workers > H3EDGE_UV_WORKERS_MAX)
    return h3edge__uv_explain(H3EDGE_ERR_INVAL, detail);
  group = h3edge__uv_alloc(&env, sizeof *group + workers * sizeof *group->fds);
  if (!group) return h3edge__uv_explain(H3EDGE_ERR_NOMEM, detail);
  group->env = env;
  error = bind_all(group, address, workers, detail);
  if (!error) {
    *out = group;
    return 0;
  }
  system_error = errno;
  h3edge_uv_group_free(group);
  errno = system_error;
  return error;
}

const h3edge_address *h3edge_uv_group_address(const h3edge_uv_group *group) {
  return &group->bound;
}

int h3edge_uv_listen_group(h3edge_uv *uv, const h3edge_uv_group *group, size_t worker, const char **detail) {
  int fd;

  if (!group || worker >= group->count) return h3edge__uv_explain(H3EDGE_ERR_INVAL, detail);
  fd = fcntl(group->fds[worker], F_DUPFD_CLOEXEC, 0);
  return fd < 0 ? h3edge__uv_explain(H3EDGE_ERR_SYSTEM, detail) : h3edge_uv_listen_fd(uv, fd, detail);
}

void h3edge_uv_group_free(h3edge_uv_group *group) {
  h3edge__uv_env env;

  if (!group) return;
  while (group->count) close(group->fds[--group->count]);
  env = group->env;
  h3edge__uv_free(&env, group);
}
