/* SPDX-License-Identifier: MIT */
/* replay_cost.c: what it costs to decide about an early request, in nanoseconds of CPU time: a verdict of each
 * classifier, and a claim on the memory register while it is half full.
 *
 *   replay_cost [CAPACITY]   of the register (1,000,000)
 */
#include <h3edge/h3edge.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 15, CALLS = 10000 };
#define TTL (6 * 3600 * H3EDGE_SECOND)

typedef struct key {
  uint64_t words[4];
} key;

static uint64_t cpu_time(void) {
  struct timespec time;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * H3EDGE_SECOND + (uint64_t)time.tv_nsec;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;

  return (a > b) - (a < b);
}

static void print(const char *what, double figures[ROUNDS]) {
  qsort(figures, ROUNDS, sizeof *figures, compare);
  printf("%-24s median %6.1f ns, min %6.1f, max %6.1f\n", what, figures[ROUNDS / 2], figures[0], figures[ROUNDS - 1]);
}

/* Returns how many answers were not `expected`. */
static int verdicts(const char *what, const h3edge_classifier *classifier, const h3edge_head *head,
                    h3edge_verdict expected) {
  h3edge_path path = {0};
  double figures[ROUNDS];
  uint64_t before;
  int i, round, odd = 0;

  for (round = 0; round < ROUNDS; round++) {
    before = cpu_time();
    for (i = 0; i < CALLS; i++) odd += h3edge_classifier_ask(classifier, head, &path) != expected;
    figures[round] = (double)(cpu_time() - before) / (double)CALLS;
  }
  print(what, figures);
  return odd;
}

/* Rules at their dearest: none of them fits, and another classifier is asked after them. */
static int measure_verdicts(void) {
  static const char *const texts[] = {"POST /report hold", "GET api.example/report hold", "* /charge reject",
                                      "GET /page/archive hold", "GET /page/8 allow"};
  static const char *const fields[][2] = {
      {"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"},
      {"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"},
      {"accept-encoding", "gzip, deflate, br, zstd"},
      {"accept-language", "en-GB,en;q=0.9"},
      {"sec-fetch-site", "none"},
      {"sec-fetch-mode", "navigate"},
      {"sec-fetch-dest", "document"},
      {"upgrade-insecure-requests", "1"}};
  h3edge_field lines[sizeof fields / sizeof *fields];
  h3edge_head head = {.struct_size = sizeof head, .fields = lines, .field_count = sizeof lines / sizeof *lines};
  h3edge_rule rows[sizeof texts / sizeof *texts];
  h3edge_rules rules;
  h3edge_classifier_list list;
  const h3edge_classifier *items[] = {&rules.base, h3edge_classifier_strict()};
  size_t i;
  int odd = 0;

  head.method = h3edge_str_of("GET");
  head.scheme = h3edge_str_of("https");
  head.authority = h3edge_str_of("www.example");
  head.path = h3edge_str_of("/page/7");
  head.content_length = H3EDGE_LENGTH_UNKNOWN;
  head.ended = true;
  for (i = 0; i < head.field_count; i++)
    lines[i] = (h3edge_field){h3edge_str_of(fields[i][0]), h3edge_str_of(fields[i][1]), 0};
  for (i = 0; i < sizeof rows / sizeof *rows; i++) odd += h3edge_rule_parse(&rows[i], texts[i], NULL) != 0;
  h3edge_classifier_rules_init(&rules, rows, sizeof rows / sizeof *rows);
  h3edge_classifier_list_init(&list, H3EDGE_LIST_FIRST, items, sizeof items / sizeof *items);

  odd += verdicts("safe", h3edge_classifier_safe(), &head, H3EDGE_ALLOW);
  odd += verdicts("strict", h3edge_classifier_strict(), &head, H3EDGE_ALLOW);
  odd += verdicts("idempotent", h3edge_classifier_idempotent(), &head, H3EDGE_ALLOW);
  odd += verdicts("5 rules", &rules.base, &head, H3EDGE_ABSTAIN);
  odd += verdicts("list: 5 rules, strict", &list.base, &head, H3EDGE_ALLOW);
  return odd;
}

/* The key of this number: SplitMix64, so that no order is left in them. */
static key key_of(uint64_t number) {
  key made;
  uint64_t x;
  size_t i;

  for (i = 0; i < 4; i++) {
    x = (number * 4 + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    made.words[i] = x ^ x >> 31;
  }
  return made;
}

/* Returns how many answers were not `expected`, and what a claim took in `*figure`. */
static int claims(h3edge_register *memory, const key *keys, h3edge_claim expected, double *figure) {
  uint64_t before = cpu_time();
  int i, odd = 0;

  for (i = 0; i < CALLS; i++)
    odd += memory->vtable->claim(memory, NULL, 0, (const uint8_t *)&keys[i], sizeof keys[i], TTL, 0) != expected;
  *figure = (double)(cpu_time() - before) / (double)CALLS;
  return odd;
}

/* Each round claims new keys, and then old ones from all over the register. */
static int measure_claims(h3edge_register *memory, uint64_t filled) {
  static key keys[CALLS];
  double fresh[ROUNDS], seen[ROUNDS], ignored;
  uint64_t number;
  int i, round, odd = 0;

  for (number = 0; number < filled; number += CALLS) {
    for (i = 0; i < CALLS; i++) keys[i] = key_of(number + (uint64_t)i);
    claims(memory, keys, H3EDGE_CLAIM_FRESH, &ignored);
  }
  for (round = 0; round < ROUNDS; round++) {
    for (i = 0; i < CALLS; i++) keys[i] = key_of(number++);
    odd += claims(memory, keys, H3EDGE_CLAIM_FRESH, &fresh[round]);
    for (i = 0; i < CALLS; i++) keys[i] = key_of(key_of(number + (uint64_t)i).words[0] % filled);
    odd += claims(memory, keys, H3EDGE_CLAIM_SEEN, &seen[round]);
  }
  print("claim, fresh", fresh);
  print("claim, seen", seen);
  return odd;
}

int main(int argc, char **argv) {
  h3edge_memory_register_options options;
  h3edge_register *memory;
  int odd;

  h3edge_memory_register_options_init(&options);
  options.capacity = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 1000000;
  if (argc > 2 || options.capacity < (size_t)4 * ROUNDS * CALLS) {
    fprintf(stderr, "usage: replay_cost [CAPACITY]   of the memory register, at least %d\n", 4 * ROUNDS * CALLS);
    return 2;
  }
  if (h3edge_memory_register_new(&memory, &options)) {
    fputs("replay_cost: no memory for the register\n", stderr);
    return 1;
  }
  printf("%d rounds of %d, register of %zu claims, half full\n", ROUNDS, CALLS, options.capacity);
  odd = measure_verdicts() + measure_claims(memory, options.capacity / 2);
  h3edge_memory_register_free(memory);
  if (odd) fprintf(stderr, "replay_cost: %d answers were not as expected\n", odd);
  return odd != 0;
}
