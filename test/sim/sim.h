/* SPDX-License-Identifier: MIT */
/* sim.h: the simulator. A whole edge, its clients, the network between them and the application behind it, in one
 * process, on a clock that only moves when nothing is left to do. No sockets, no sleeping.
 *
 * How to write a story
 *
 *   static void a_page_comes_back(void) {
 *     edge *e = EDGE();                      // edge.h: the library under test, with an origin behind it (origin.h)
 *     client *c = CLIENT();                  // client.h: one connection
 *     fetch *f = client_get(c, "/bytes/5");  // one request on it
 *
 *     UNTIL(f->over);                        // lets the world go on until then; 60 s of its time at most
 *     CHECK_INT(f->status, 200);
 *     CHECK(content_is(&f->content, 5));
 *     CHECK_INT(e->origin->request_count, 1);
 *   }
 *   SIM_MAIN("pages", STORY(a_page_comes_back))
 *
 * What is not the default is said by name: EDGE(.server.retry = H3EDGE_RETRY_ALWAYS), CLIENT(.name = "b.example"),
 * FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = MIB). Bad weather is set at any time:
 * network.down.loss = 50 (network.h). What the application does is a script: SCRIPT(e->origin, "/cut", SEND("HTTP/1.1
 * 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), CUT). Bytes that no proper client would send are made by wire.h. Nothing
 * has to be freed.
 *
 * What every story checks without saying so: each request and exchange gets its on_close once and last, and events
 * come only from facts and polls (guard.h); the deadlines are kept and nobody spins; every byte that reaches the origin
 * is perfect HTTP/1.1 (application.c); no address that is not proved gets more than three times what came from there
 * (network.c); no client finds the edge breaking a rule of QUIC or HTTP/3; nothing leaks.
 *
 * A run is a process of its own and follows from its seed alone, byte for byte. Each story runs once as it is, and then
 * again with one allocation of the library failing, for some allocations, or for every one with SIM_FAIL_ALL=1. Once
 * it has failed, CHECK no longer counts (ALWAYS does); but nothing may crash, leak or hang, and in the end a new client
 * must be served. SEEDS(story) instead runs it with SIM_SEEDS seeds (50). When a run fails, its seed is printed:
 * SIM_STORY=name SIM_SEED=seed SIM_FAIL_AT=allocation replays it; SIM_LOG=1 shows the log of the library. */
#ifndef H3EDGE_TEST_SIM_SIM_H
#define H3EDGE_TEST_SIM_SIM_H

#include "client.h"
#include "content.h"
#include "edge.h"
#include "memory.h"
#include "network.h"
#include "origin.h"
#include "wire.h"
#include "world.h"

/* What a story claims. */
#define CHECK(condition) sim_expected((condition), __FILE__, __LINE__, "%s", #condition)
#define CHECK_INT(got, wanted) sim_expected_int((long long)(got), (long long)(wanted), __FILE__, __LINE__, #got)
#define CHECK_TEXT(got, wanted) sim_expected_text((got), (wanted), __FILE__, __LINE__, #got)
/* What is true even when memory fails. */
#define ALWAYS(condition)                                                                                              \
  do {                                                                                                                 \
    if (!(condition)) sim_fail(__FILE__, __LINE__, "%s", #condition);                                                  \
  } while (0)

#define UNTIL_WITHIN(duration, condition)                                                                              \
  do {                                                                                                                 \
    h3edge_ts sim_limit = world_now() + (duration);                                                                    \
    while (!(condition) && world_step(sim_limit)) continue;                                                            \
    CHECK(condition);                                                                                                  \
  } while (0)
#define UNTIL(condition) UNTIL_WITHIN(60 * H3EDGE_SECOND, condition)
/* Lets so much time pass. */
void sim_run(h3edge_ts duration);
/* After all that went wrong `c` is as good as before: it asks `e` for /hello, and the application answers. */
void sim_still_serves(edge *e, client *c);

void sim_expected(bool fulfilled, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void sim_expected_int(long long got, long long wanted, const char *file, int line, const char *what);
void sim_expected_text(const char *got, const char *wanted, const char *file, int line, const char *what);
_Noreturn void sim_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The simulator's own memory: never fails, is zero. sim_grow makes room for `count` entries of `entry` bytes. */
void *sim_alloc(size_t size);
void sim_grow(void **array, size_t *cap, size_t count, size_t entry);
bool sim_is_loud(void);

typedef struct story {
  const char *name;
  void (*run)(void);
  bool many_seeds;
} story;
#define STORY(function)                                                                                                \
  { #function, function, false }
#define SEEDS(function)                                                                                                \
  { #function, function, true }
int sim_main(const char *group, const story *stories, size_t count);
#define SIM_MAIN(group, ...)                                                                                           \
  int main(void) {                                                                                                     \
    static const story stories[] = {__VA_ARGS__};                                                                      \
    return sim_main(group, stories, sizeof stories / sizeof *stories);                                                 \
  }

#endif
