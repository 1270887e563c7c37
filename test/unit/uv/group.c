/* SPDX-License-Identifier: MIT */
#include <h3edge/uv.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge.h"

enum { WORKERS = 3, NOBODY = WORKERS };

/* Real servers at one address. They take turns on one thread, so that a test knows what each of them has read. */
typedef struct crew {
  edge workers[WORKERS];
  h3edge_uv_group *group;
} crew;

static h3edge_address address(const char *text) {
  h3edge_address a;

  assert_int_equal(h3edge_address_parse(&a, text), 0);
  return a;
}

static void crew_begin(crew *c) {
  size_t i;

  c->group = NULL;
  for (i = 0; i < WORKERS; i++) edge_begin(&c->workers[i], NULL);
}

static int crew_listen(crew *c, const char *text) {
  h3edge_address where = address(text);
  int error = h3edge_uv_group_new(&c->group, &where, WORKERS, &unit_mem, NULL);
  size_t i;

  for (i = 0; i < WORKERS && !error; i++) {
    error = edge_bind(&c->workers[i]);
    if (!error) error = h3edge_uv_listen_group(c->workers[i].uv, c->group, i, NULL);
  }
  return error;
}

static void crew_end(crew *c) {
  size_t i;

  for (i = 0; i < WORKERS; i++) edge_end(&c->workers[i]);
  h3edge_uv_group_free(c->group);
}

static uint64_t read_by(const edge *worker) {
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  h3edge_server_stats(worker->server, &stats);
  return stats.datagrams_received;
}

/* Sends a datagram from a socket of its own. */
static void send_to(const crew *c, const uint8_t *data, size_t len) {
  const h3edge_address *to = h3edge_uv_group_address(c->group);
  int fd = socket(to->as.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  assert_int_equal(sendto(fd, data, len, 0, &to->as.any, to->len), len);
  close(fd);
}

/* The one worker that reads what was sent, as soon as it does; NOBODY when that is not soon. */
static size_t next_reader(crew *c) {
  uint64_t start = uv_hrtime();
  size_t reader = NOBODY;
  size_t i;

  while (reader == NOBODY && uv_hrtime() - start < LOOP_PATIENCE)
    for (i = 0; i < WORKERS; i++) {
      uint64_t before = read_by(&c->workers[i]);

      uv_run(&c->workers[i].loop.uv, UV_RUN_NOWAIT);
      if (read_by(&c->workers[i]) == before) continue;
      assert_int_equal(read_by(&c->workers[i]), before + 1);
      assert_int_equal(reader, NOBODY);
      reader = i;
    }
  return reader;
}

static size_t reader_of(crew *c, const uint8_t *data, size_t len) {
  send_to(c, data, len);
  return next_reader(c);
}

static void send_short(const crew *c, uint8_t first) {
  const uint8_t data[40] = {0x40, first, 0xff, 0xff, 0xff, 0xff, 0xff};

  send_to(c, data, sizeof data);
}

static size_t reader_of_short(crew *c, uint8_t first) {
  send_short(c, first);
  return next_reader(c);
}

static size_t reader_of_long(crew *c, uint8_t first) {
  const uint8_t data[40] = {0xe0, 0xff, 0, 0, 1, 8, first, 0xff};

  return reader_of(c, data, sizeof data);
}

static void first_byte_chooses(const char *where) {
  unsigned first;
  crew c;

  crew_begin(&c);
  OK(crew_listen(&c, where));
  for (first = 0; first < 256; first += first < 8 ? 1 : 31) { /* the workers' own, and some of no worker */
    CHECK_INT(reader_of_short(&c, (uint8_t)first), first % WORKERS);
    CHECK_INT(reader_of_long(&c, (uint8_t)first), first % WORKERS);
  }
done:
  crew_end(&c);
}

static void first_byte_chooses_over_ipv4(void) {
  first_byte_chooses("127.0.0.1:0");
}

static void first_byte_chooses_over_ipv6(void) {
  first_byte_chooses("[::1]:0");
}

static void what_has_no_such_byte_reaches_the_first(void) {
  static const uint8_t data[] = {0xe0, 0xff, 0, 0, 1, 8, 1};
  crew c;

  crew_begin(&c);
  OK(crew_listen(&c, "127.0.0.1:0"));
  CHECK_INT(reader_of(&c, data, sizeof data), 1);
  CHECK_INT(reader_of(&c, data, sizeof data - 1), 0);
  CHECK_INT(reader_of(&c, (const uint8_t[]){0x40, 1}, 2), 1);
  CHECK_INT(reader_of(&c, (const uint8_t[]){0x40}, 1), 0);
done:
  crew_end(&c);
}

/* What belongs to a worker that has stopped reaches nobody, and the others get theirs as before. */
static void stopped_worker_leaves_its_place_empty(void) {
  edge *first;
  crew c;

  crew_begin(&c);
  first = &c.workers[0];
  OK(crew_listen(&c, "127.0.0.1:0"));
  h3edge_uv_stop(first->uv, 0, edge_on_stopped, first);
  LOOP_UNTIL(&first->loop, first->stopped);
  send_short(&c, 0);
  CHECK_INT(reader_of_short(&c, 1), 1);
  CHECK_INT(reader_of_short(&c, 2), 2);
  CHECK_INT(read_by(&c.workers[1]) + read_by(&c.workers[2]), 2); /* the first datagram was read by nobody */
done:
  crew_end(&c);
}

static void one_worker_gets_everything(void) {
  h3edge_address where = address("127.0.0.1:0");
  crew c;

  crew_begin(&c);
  OK(h3edge_uv_group_new(&c.group, &where, 1, &unit_mem, NULL));
  OK(edge_bind(&c.workers[0]));
  OK(h3edge_uv_listen_group(c.workers[0].uv, c.group, 0, NULL));
  CHECK_INT(reader_of_short(&c, 0), 0);
  CHECK_INT(reader_of_short(&c, 1), 0);
done:
  crew_end(&c);
}

static void as_many_as_a_byte_tells_apart(void) {
  h3edge_address where = address("127.0.0.1:0");
  crew c;

  crew_begin(&c);
  OK(h3edge_uv_group_new(&c.group, &where, H3EDGE_UV_WORKERS_MAX, &unit_mem, NULL));
  OK(edge_bind(&c.workers[0]));
  OK(h3edge_uv_listen_group(c.workers[0].uv, c.group, 255, NULL));
  send_short(&c, 254); /* to a worker that does not listen */
  CHECK_INT(reader_of_short(&c, 255), 0);
  CHECK_INT(read_by(&c.workers[0]), 1);
done:
  crew_end(&c);
}

static int try_group(const h3edge_address *where, size_t workers, const char **why) {
  h3edge_uv_group *group = NULL;
  int error = h3edge_uv_group_new(&group, where, workers, &unit_mem, why);

  h3edge_uv_group_free(group);
  return error;
}

/* Not that the newcomer would take the datagrams of the group that is there. */
static void address_is_taken(void) {
  h3edge_address where = address("127.0.0.1:0");
  h3edge_uv_group *group = NULL;
  const char *why = NULL;

  OK(h3edge_uv_group_new(&group, &where, WORKERS, &unit_mem, NULL));
  where = *h3edge_uv_group_address(group);
  CHECK_INT(try_group(&where, WORKERS, &why), H3EDGE_ERR_SYSTEM);
  CHECK_INT(errno, EADDRINUSE);
  CHECK_TEXT(why, "address already in use");
  CHECK_INT(try_group(&where, 1, NULL), H3EDGE_ERR_SYSTEM);
  h3edge_uv_group_free(group);
  group = NULL;
  OK(try_group(&where, WORKERS, &why)); /* and now it is free */
done:
  h3edge_uv_group_free(group);
}

static void wrong_arguments(void) {
  h3edge_address none = {.len = 0};
  h3edge_address where = address("198.51.100.1:0"); /* RFC 5737: not ours */
  const char *why = NULL;
  crew c;

  crew_begin(&c);
  CHECK_INT(try_group(&where, WORKERS, &why), H3EDGE_ERR_SYSTEM);
  CHECK_TEXT(why, "address not available");
  where = address("127.0.0.1:0");
  CHECK_INT(try_group(&where, 0, &why), H3EDGE_ERR_INVAL);
  CHECK_TEXT(why, h3edge_error_text(H3EDGE_ERR_INVAL));
  CHECK_INT(try_group(&where, H3EDGE_UV_WORKERS_MAX + 1, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(try_group(&none, 1, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(try_group(NULL, 1, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_uv_group_new(NULL, &where, 1, &unit_mem, NULL), H3EDGE_ERR_INVAL);
  OK(crew_listen(&c, "127.0.0.1:0"));
  CHECK_INT(h3edge_uv_listen_group(c.workers[0].uv, c.group, WORKERS, &why), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_uv_listen_group(c.workers[0].uv, NULL, 0, NULL), H3EDGE_ERR_INVAL);
done:
  crew_end(&c);
}

/* Leaves the process `count` more descriptors. Returns the limit that there was. */
static rlim_t leave_files(rlim_t count) {
  int next = dup(0); /* the lowest that is free */
  struct rlimit limit;
  rlim_t before;

  assert_true(next >= 0);
  close(next);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  before = limit.rlim_cur;
  limit.rlim_cur = (rlim_t)next + count;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return before;
}

static void set_files(rlim_t count) {
  struct rlimit limit;

  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = count;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void too_many_open_files(void) {
  h3edge_address where = address("127.0.0.1:0");
  const char *why = "";
  rlim_t before;
  int error;
  crew c;

  crew_begin(&c);
  before = leave_files(WORKERS - 1);
  error = try_group(&where, WORKERS, &why);
  set_files(before);
  CHECK_INT(error, H3EDGE_ERR_SYSTEM);
  CHECK_TEXT(why, "too many open files");
  OK(h3edge_uv_group_new(&c.group, &where, WORKERS, &unit_mem, NULL));
  OK(edge_bind(&c.workers[0]));
  before = leave_files(0);
  why = "";
  error = h3edge_uv_listen_group(c.workers[0].uv, c.group, 0, &why);
  set_files(before);
  CHECK_INT(error, H3EDGE_ERR_SYSTEM);
  CHECK_TEXT(why, "too many open files");
  OK(h3edge_uv_listen_group(c.workers[0].uv, c.group, 0, NULL));
done:
  crew_end(&c);
}

/* As a container may: what is refused with EPERM is the steering program, and nothing else. */
static bool refuse_programs(void) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_ATTACH_REUSEPORT_CBPF, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};

  return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static bool is_explained(void) {
  h3edge_address where = address("127.0.0.1:0");
  h3edge_uv_group *group = NULL;
  const char *why = "";

  return refuse_programs() && h3edge_uv_group_new(&group, &where, WORKERS, NULL, &why) == H3EDGE_ERR_SYSTEM &&
         errno == EPERM && !group &&
         strcmp(why, "the system refuses the program that gives datagrams to their workers") == 0;
}

static void refused_program_is_explained(void) {
  int status = -1;
  pid_t child = fork();

  if (!child) _exit(is_explained() ? 0 : 1);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

UNIT_MAIN("uv/group", UNIT(first_byte_chooses_over_ipv4), UNIT(first_byte_chooses_over_ipv6),
          UNIT(what_has_no_such_byte_reaches_the_first), UNIT(stopped_worker_leaves_its_place_empty),
          UNIT(one_worker_gets_everything), UNIT(as_many_as_a_byte_tells_apart), UNIT(address_is_taken),
          UNIT(wrong_arguments), UNIT(too_many_open_files), UNIT(refused_program_is_explained))
