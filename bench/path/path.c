/* SPDX-License-Identifier: MIT */
/* path.c: h3path, a long way between two network namespaces of one machine, for kernels without netem. It makes one TUN
 * device in each and carries the packets between them, whatever they hold, with delay, loss, rate and a queue.
 *
 * Each direction is a queue of its own. A packet is lost at its entry or never, by its number and the seed alone, so
 * that a seed loses the same ones again; it waits until the bottleneck has sent those in front of it, or is dropped
 * when too much waits; then it takes the delay. So packets arrive in order, and none early. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "path0"
#define NEVER UINT64_MAX

enum { PACKET_MAX = 1500, ROOM = 32768 /* packets under way in one direction */, TURN = 64, MILLION = 1000000 };

typedef struct options {
  const char *namespaces[2]; /* files */
  uint64_t delay;            /* of each direction, ns */
  uint64_t loss;             /* of a million packets */
  uint64_t rate;             /* bits a second, 0: no bottleneck */
  uint64_t waiting;          /* bytes in front of the bottleneck, at most */
  uint64_t seed;
} options;

typedef struct packet {
  uint64_t due;
  uint16_t len;
  uint8_t data[PACKET_MAX];
} packet;

typedef struct direction {
  int from, to;
  packet *packets; /* a ring */
  unsigned head, count;
  uint64_t free_at; /* when the bottleneck has sent all that came so far */
  uint64_t lottery;
  uint64_t came, lost, dropped, latest; /* counters; the most that a packet was late, ns */
} direction;

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
  (void)number;
  stopped = 1;
}

static uint64_t now_ns(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void complain(const char *what, const char *which) {
  fprintf(stderr, "h3path: %s %s: %s\n", what, which, strerror(errno));
  exit(EXIT_FAILURE);
}

/* splitmix64: every number of its sequence can be had by itself. */
static uint64_t random_at(uint64_t seed, uint64_t number) {
  uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static bool is_lost(direction *d, const options *o) {
  return random_at(d->lottery, d->came++) % MILLION < o->loss;
}

/* When the packet reaches the other end, or NEVER when there is no room for it. */
static uint64_t arrival(direction *d, const options *o, size_t len, uint64_t now) {
  if (d->count == ROOM) return NEVER;
  if (!o->rate) return now + o->delay;
  if (d->free_at < now) d->free_at = now;
  if ((d->free_at - now) * (o->rate / 1000) / 8 > o->waiting * MILLION) return NEVER;
  d->free_at += len * 8 * 1000000000u / o->rate;
  return d->free_at + o->delay;
}

static void enter(direction *d, const options *o) {
  int turns;

  for (turns = 0; turns < TURN; turns++) {
    packet *p = &d->packets[(d->head + d->count) % ROOM];
    uint8_t data[PACKET_MAX];
    ssize_t len = read(d->from, data, sizeof data);
    uint64_t due;

    if (len <= 0) return;
    if (is_lost(d, o)) {
      d->lost++;
      continue;
    }
    due = arrival(d, o, (size_t)len, now_ns());
    if (due == NEVER) {
      d->dropped++;
      continue;
    }
    p->due = due;
    p->len = (uint16_t)len;
    memcpy(p->data, data, (size_t)len);
    d->count++;
  }
}

/* Hands over what is due. Returns when the next one is. */
static uint64_t leave(direction *d) {
  uint64_t now = now_ns();

  while (d->count) {
    packet *p = &d->packets[d->head];

    if (p->due > now) return p->due;
    if (write(d->to, p->data, p->len) < 0) d->dropped++; /* its device is down */
    if (now - p->due > d->latest) d->latest = now - p->due;
    d->head = (d->head + 1) % ROOM;
    d->count--;
  }
  return NEVER;
}

/* Signals arrive only while it sleeps. */
static void run(direction *d, const options *o, const sigset_t *while_asleep) {
  while (!stopped) {
    struct pollfd ready[2] = {{d[0].from, POLLIN, 0}, {d[1].from, POLLIN, 0}};
    uint64_t first = leave(&d[0]), second = leave(&d[1]), next = first < second ? first : second, now = now_ns();
    uint64_t rest = next > now ? next - now : 0;
    struct timespec wait = {(time_t)(rest / 1000000000u), (long)(rest % 1000000000u)};
    int i;

    if (ppoll(ready, 2, next == NEVER ? NULL : &wait, while_asleep) <= 0) continue;
    for (i = 0; i < 2; i++)
      if (ready[i].revents) enter(&d[i], o);
  }
}

static int open_namespace(const char *file) {
  int fd = open(file, O_RDONLY | O_CLOEXEC);

  if (fd < 0) complain("cannot open the namespace", file);
  return fd;
}

static int open_device(int namespace, const char *file) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = DEVICE};
  int fd;

  if (setns(namespace, CLONE_NEWNET)) complain("cannot enter", file);
  close(namespace);
  fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) complain("cannot make the device " DEVICE " in", file);
  return fd;
}

/* Both files are opened first: one that is named relative to this process means something else inside the other. */
static void open_devices(const char *const files[2], int fds[2]) {
  int first = open_namespace(files[0]), second = open_namespace(files[1]);

  fds[0] = open_device(first, files[0]);
  fds[1] = open_device(second, files[1]);
}

static void open_direction(direction *d, int from, int to, uint64_t lottery) {
  d->from = from;
  d->to = to;
  d->lottery = lottery;
  d->packets = calloc(ROOM, sizeof *d->packets);
  if (!d->packets) complain("no room for", "packets");
}

static void print(const char *name, const direction *d, const char *end) {
  printf("\"%s\": {\"came\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"dropped\": %" PRIu64 ", \"latest_ms\": %.3f}%s",
         name, d->came, d->lost, d->dropped, (double)d->latest / 1e6, end);
}

/* The command line */

enum { DELAY = 0x100, LOSS, RATE, QUEUE, SEED };

static const struct argp_option known[] = {
    {.name = "delay", .key = DELAY, .arg = "MS", .doc = "What each direction takes (0)"},
    {.name = "loss", .key = LOSS, .arg = "PERCENT", .doc = "Of the packets of each direction (0)"},
    {.name = "rate", .key = RATE, .arg = "MBIT", .doc = "Of the bottleneck of each direction, a second (none)"},
    {.name = "queue", .key = QUEUE, .arg = "KIB", .doc = "What may wait in front of it; more is dropped (256)"},
    {.name = "seed", .key = SEED, .arg = "NUMBER", .doc = "Decides which packets are lost (1)"},
    {0},
};

static uint64_t read_number(const char *text, double unit, double most, struct argp_state *state) {
  char *end;
  double number = strtod(text, &end);

  if (end == text || *end || !(number >= 0 && number <= most)) argp_error(state, "'%s' is out of range", text);
  return (uint64_t)(number * unit + 0.5);
}

static error_t on_option(int key, char *arg, struct argp_state *state) {
  options *o = state->input;

  switch (key) {
  case DELAY:
    o->delay = read_number(arg, 1e6, 1e5, state);
    return 0;
  case LOSS:
    o->loss = read_number(arg, 1e4, 100, state);
    return 0;
  case RATE:
    o->rate = read_number(arg, 1e6, 1e4, state);
    return 0;
  case QUEUE:
    o->waiting = read_number(arg, 1024, 1e5, state);
    return 0;
  case SEED:
    o->seed = read_number(arg, 1, 1e9, state);
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num >= 2) argp_error(state, "more than two namespaces");
    o->namespaces[state->arg_num] = arg;
    return 0;
  case ARGP_KEY_END:
    if (state->arg_num != 2) argp_error(state, "two namespaces are needed, as /proc/PID/ns/net");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

int main(int argc, char **argv) {
  static const struct argp parser = {
      .options = known,
      .parser = on_option,
      .args_doc = "NAMESPACE NAMESPACE",
      .doc = "Joins two network namespaces, given as files, by a long way: a device " DEVICE " in each.\v"
             "It says 'ready' when the devices are there, to be given addresses, and runs until SIGTERM or SIGINT; "
             "then it prints what it has carried as JSON. It needs root."};
  const struct sched_param first = {.sched_priority = 1};
  const struct sigaction action = {.sa_handler = on_signal};
  options o = {.waiting = 256 * 1024, .seed = 1};
  direction d[2] = {{0}};
  sigset_t blocked, while_asleep;
  int fds[2];

  argp_parse(&parser, argc, argv, 0, NULL, &o);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGINT);
  sigprocmask(SIG_BLOCK, &blocked, &while_asleep);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  open_devices(o.namespaces, fds);
  open_direction(&d[0], fds[0], fds[1], random_at(o.seed, 0));
  open_direction(&d[1], fds[1], fds[0], random_at(o.seed, 1));
  sched_setscheduler(0, SCHED_FIFO, &first); /* before all others; where that is not allowed packets may come later */
  puts("ready");
  fflush(stdout);
  run(d, &o, &while_asleep);
  printf("{");
  print("there", &d[0], ", ");
  print("back", &d[1], "}\n");
  free(d[0].packets);
  free(d[1].packets);
  return EXIT_SUCCESS;
}
