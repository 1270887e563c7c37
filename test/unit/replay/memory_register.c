/* SPDX-License-Identifier: MIT */
#include <h3edge/replay.h>
#include <pthread.h>
#include <sys/random.h>

#include "unit.h"

/* Stands before the C library's: a system without randomness, or one that gives the same in every run, so that where
 * keys fall is no matter of luck. */
static struct {
  bool none;
  uint64_t state;
} randomness = {.state = 0x2545f4914f6cdd1d};

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

ssize_t getrandom(void *out, size_t len, unsigned flags) {
  uint8_t *bytes = out;
  size_t i;

  (void)flags;
  if (randomness.none) return -1;
  for (i = 0; i < len; i++) bytes[i] = (uint8_t)(next_random(&randomness.state) >> 32);
  return (ssize_t)len;
}

#define TTL (3600 * H3EDGE_SECOND)
#define NOW ((h3edge_ts)0x123456789abcdef0) /* where a clock's zero lies is nobody's business */

static int register_new(h3edge_register **out, size_t capacity) {
  h3edge_memory_register_options options;

  h3edge_memory_register_options_init(&options);
  options.capacity = capacity;
  options.mem = &unit_mem;
  return h3edge_memory_register_new(out, &options);
}

static h3edge_claim claim_bytes(h3edge_register *memory, const void *key, size_t len, h3edge_ts ttl, h3edge_ts now) {
  return memory->vtable->claim(memory, NULL, 0, key, len, ttl, now);
}

/* Keys are numbers here, as long as a binder of TLS_AES_128_GCM_SHA256. */
static h3edge_claim claim(h3edge_register *memory, uint64_t number, h3edge_ts ttl, h3edge_ts now) {
  uint8_t key[32] = {0};

  memcpy(key, &number, sizeof number);
  return claim_bytes(memory, key, sizeof key, ttl, now);
}

static void the_first_is_fresh_and_the_others_are_seen(void) {
  h3edge_register *memory = NULL;

  OK(register_new(&memory, 1000));
  CHECK_INT(claim(memory, 1, TTL, NOW), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 1, TTL, NOW), H3EDGE_CLAIM_SEEN);
  CHECK_INT(claim(memory, 2, TTL, NOW), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 1, TTL, NOW + TTL / 2), H3EDGE_CLAIM_SEEN);
done:
  h3edge_memory_register_free(memory);
}

/* Every byte and the length are part of the key. */
static void no_byte_is_left_out(void) {
  h3edge_register *memory = NULL;
  uint8_t key[64] = {0};
  size_t len, i;

  OK(register_new(&memory, 10000));
  for (len = 16; len <= sizeof key; len++) {
    CHECK_INT(claim_bytes(memory, key, len, TTL, NOW), H3EDGE_CLAIM_FRESH);
    for (i = 0; i < len; i++) {
      key[i] ^= 0x80;
      CHECK_INT(claim_bytes(memory, key, len, TTL, NOW), H3EDGE_CLAIM_FRESH);
      CHECK_INT(claim_bytes(memory, key, len, TTL, NOW), H3EDGE_CLAIM_SEEN);
      key[i] ^= 0x80;
    }
  }
done:
  h3edge_memory_register_free(memory);
}

/* Whenever the first claim was, and however long its ttl: never forgotten before it is over, and not two seconds after.
 */
static void a_claim_lasts_for_its_ttl(void) {
  static const h3edge_ts offsets[] = {0, 1, H3EDGE_SECOND / 2, H3EDGE_SECOND - 1, H3EDGE_SECOND, 7 * H3EDGE_SECOND + 3};
  static const h3edge_ts ttls[] = {1, H3EDGE_SECOND - 1, H3EDGE_SECOND, H3EDGE_SECOND + 1, TTL - 1, TTL, 6 * TTL};
  h3edge_register *memory = NULL;
  size_t i, j;

  for (i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    for (j = 0; j < sizeof ttls / sizeof *ttls; j++) {
      h3edge_ts then = NOW + offsets[i];

      OK(register_new(&memory, 100));
      CHECK_INT(claim(memory, 0, TTL, NOW), H3EDGE_CLAIM_FRESH);
      CHECK_INT(claim(memory, 1, ttls[j], then), H3EDGE_CLAIM_FRESH);
      CHECK_INT(claim(memory, 1, ttls[j], then + ttls[j]), H3EDGE_CLAIM_SEEN);
      CHECK_INT(claim(memory, 1, ttls[j], then + ttls[j] + 2 * H3EDGE_SECOND), H3EDGE_CLAIM_FRESH);
      h3edge_memory_register_free(memory);
      memory = NULL;
    }
  }
done:
  h3edge_memory_register_free(memory);
}

/* The smallest register has one bucket, so that it is known when it is full. */
#define SMALLEST 64

static void a_full_one_fails_until_claims_expire(void) {
  h3edge_register *memory = NULL;
  uint64_t i;

  OK(register_new(&memory, 1));
  for (i = 0; i < SMALLEST; i++) CHECK_INT(claim(memory, i, TTL + i * H3EDGE_SECOND, NOW), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 1000, TTL, NOW), H3EDGE_CLAIM_FAILED);
  CHECK_INT(claim(memory, 1000, TTL, NOW + TTL), H3EDGE_CLAIM_FAILED);
  for (i = 0; i < SMALLEST; i++) CHECK_INT(claim(memory, i, TTL, NOW + TTL), H3EDGE_CLAIM_SEEN);

  /* one after the other makes room */
  for (i = 0; i < SMALLEST; i++) {
    h3edge_ts now = NOW + TTL + (i + 2) * H3EDGE_SECOND;

    CHECK_INT(claim(memory, 1000 + i, 2 * TTL, now), H3EDGE_CLAIM_FRESH);
    CHECK_INT(claim(memory, 2000 + i, 2 * TTL, now), H3EDGE_CLAIM_FAILED);
    CHECK_INT(claim(memory, 1000 + i, 2 * TTL, now), H3EDGE_CLAIM_SEEN);
  }
done:
  h3edge_memory_register_free(memory);
}

/* Twice what was asked for, in whole buckets. */
static void has_room_for_so_many_and_no_more(void) {
  static const size_t asked[] = {1, 32, 33, 64, 65}, room[] = {64, 64, 128, 128, 192};
  h3edge_register *memory = NULL;
  size_t i, fresh;
  uint64_t key;

  for (i = 0; i < sizeof asked / sizeof *asked; i++) {
    OK(register_new(&memory, asked[i]));
    for (key = fresh = 0; key < 2000; key++) fresh += claim(memory, key, TTL, NOW) == H3EDGE_CLAIM_FRESH;
    CHECK_INT(fresh, room[i]);
    CHECK_INT(claim(memory, key, TTL, NOW), H3EDGE_CLAIM_FAILED);
    CHECK_INT(claim(memory, key, TTL, NOW + TTL + 2 * H3EDGE_SECOND), H3EDGE_CLAIM_FRESH);
    h3edge_memory_register_free(memory);
    memory = NULL;
  }
done:
  h3edge_memory_register_free(memory);
}

static void threads_need_not_come_in_order(void) {
  h3edge_register *memory = NULL;

  OK(register_new(&memory, 100));
  CHECK_INT(claim(memory, 1, TTL, NOW), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 2, TTL, NOW - 5 * H3EDGE_SECOND), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 2, TTL, NOW), H3EDGE_CLAIM_SEEN);
  CHECK_INT(claim(memory, 1, TTL, NOW - 5 * H3EDGE_SECOND), H3EDGE_CLAIM_SEEN);
  CHECK_INT(claim(memory, 1, TTL, 0), H3EDGE_CLAIM_SEEN);
  CHECK_INT(claim(memory, 2, TTL, NOW + TTL), H3EDGE_CLAIM_SEEN);
  /* what has expired once does not come back when somebody is late */
  CHECK_INT(claim(memory, 3, TTL, NOW + TTL + 2 * H3EDGE_SECOND), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 1, TTL, NOW), H3EDGE_CLAIM_FRESH);
done:
  h3edge_memory_register_free(memory);
}

/* Entries know seconds up to 136 years. */
static void fails_where_it_cannot_count(void) {
  const h3edge_ts years = (h3edge_ts)UINT32_MAX * H3EDGE_SECOND;
  h3edge_register *memory = NULL;

  OK(register_new(&memory, 100));
  CHECK_INT(claim(memory, 1, UINT64_MAX, 0), H3EDGE_CLAIM_FAILED);
  CHECK_INT(claim(memory, 1, years - H3EDGE_SECOND, 0), H3EDGE_CLAIM_FAILED);
  CHECK_INT(claim(memory, 1, years - 2 * H3EDGE_SECOND, 0), H3EDGE_CLAIM_FRESH);
  CHECK_INT(claim(memory, 1, years, 0), H3EDGE_CLAIM_FAILED);
  CHECK_INT(claim(memory, 1, TTL, 0), H3EDGE_CLAIM_SEEN);
  CHECK_INT(claim(memory, 2, TTL, years - TTL), H3EDGE_CLAIM_FAILED);
  CHECK_INT(claim(memory, 2, TTL, UINT64_MAX), H3EDGE_CLAIM_FAILED);
done:
  h3edge_memory_register_free(memory);
}

/* Against a model that remembers everything: claims of random keys, ttls and times. */
#define MODEL_KEYS 500

static void behaves_as_one_that_never_forgets_too_early(void) {
  h3edge_ts until[MODEL_KEYS] = {0};
  h3edge_register *memory = NULL;
  uint64_t random = 0x2545f4914f6cdd1d;
  size_t fresh = 0, seen = 0;
  h3edge_ts now = NOW;
  size_t i;

  OK(register_new(&memory, MODEL_KEYS));
  for (i = 0; i < 20000; i++) {
    size_t key = (size_t)(next_random(&random) % MODEL_KEYS);
    h3edge_ts ttl = next_random(&random) % (60 * H3EDGE_SECOND);
    h3edge_claim got;

    now += next_random(&random) % (H3EDGE_SECOND / 8);
    got = claim(memory, key, ttl, now);
    if (now <= until[key]) CHECK_INT(got, H3EDGE_CLAIM_SEEN);
    if (now >= until[key] + 2 * H3EDGE_SECOND) CHECK_INT(got, H3EDGE_CLAIM_FRESH);
    if (got == H3EDGE_CLAIM_FRESH) until[key] = now + ttl;
    fresh += got == H3EDGE_CLAIM_FRESH;
    seen += got == H3EDGE_CLAIM_SEEN;
  }
  CHECK_INT(fresh + seen, 20000);
  CHECK(fresh > 1000 && seen > 1000);
done:
  h3edge_memory_register_free(memory);
}

/* Memory that counts bytes. */
static void *count_calloc(void *ctx, size_t count, size_t size) {
  *(size_t *)ctx += count * size;
  return unit_mem.calloc(NULL, count, size);
}

static void *count_malloc(void *ctx, size_t size) {
  *(size_t *)ctx += size;
  return unit_mem.malloc(NULL, size);
}

static void *count_realloc(void *ctx, void *block, size_t size) {
  *(size_t *)ctx += size;
  return unit_mem.realloc(NULL, block, size);
}

static void count_free(void *ctx, void *block) {
  (void)ctx;
  unit_mem.free(NULL, block);
}

#define MANY 100000

static void takes_16_bytes_for_a_claim(void) {
  size_t bytes = 0;
  const h3edge_mem mem = {sizeof mem, &bytes, count_malloc, count_calloc, count_realloc, count_free};
  h3edge_memory_register_options options;
  h3edge_register *memory = NULL;
  uint64_t i;

  h3edge_memory_register_options_init(&options);
  options.capacity = MANY;
  options.mem = &mem;
  OK(h3edge_memory_register_new(&memory, &options));
  for (i = 0; i < MANY; i++) CHECK_INT(claim(memory, i, TTL, NOW), H3EDGE_CLAIM_FRESH);
  for (i = 0; i < MANY; i++) CHECK_INT(claim(memory, i, TTL, NOW), H3EDGE_CLAIM_SEEN);
  CHECK(bytes <= 16 * MANY + 1024);
done:
  h3edge_memory_register_free(memory);
}

/* Twice its capacity is more than it can hold, and nothing that it has taken is given up for more. */
static void too_many_fail_and_the_others_stay(void) {
  static uint8_t got[4 * MANY];
  h3edge_register *memory = NULL;
  size_t fresh = 0;
  uint64_t i;

  OK(register_new(&memory, MANY));
  for (i = 0; i < 4 * MANY; i++) {
    got[i] = (uint8_t)claim(memory, i, TTL, NOW);
    fresh += got[i] == H3EDGE_CLAIM_FRESH;
  }
  CHECK(fresh >= MANY && fresh <= 2 * MANY + 128);
  for (i = 0; i < 4 * MANY; i++)
    if (got[i] == H3EDGE_CLAIM_FRESH) CHECK_INT(claim(memory, i, TTL, NOW), H3EDGE_CLAIM_SEEN);
  CHECK_INT(claim(memory, 4 * MANY, TTL, NOW + TTL + 2 * H3EDGE_SECOND), H3EDGE_CLAIM_FRESH);
done:
  h3edge_memory_register_free(memory);
}

/* Several threads claim the same keys in the same order, so that they meet at each. */
#define THREADS 4
#define RACES 20000

typedef struct racer {
  pthread_t thread;
  pthread_barrier_t *start;
  h3edge_register *memory;
  uint8_t got[RACES];
} racer;

static void *race(void *ctx) {
  racer *self = ctx;
  uint64_t i;

  pthread_barrier_wait(self->start);
  for (i = 0; i < RACES; i++) self->got[i] = (uint8_t)claim(self->memory, i, TTL, NOW + i);
  return NULL;
}

static void of_threads_that_race_one_is_first(void) {
  static racer racers[THREADS];
  h3edge_register *memory = NULL;
  pthread_barrier_t start;
  size_t i, j;

  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  OK(register_new(&memory, RACES));
  for (i = 0; i < THREADS; i++) {
    racers[i].start = &start;
    racers[i].memory = memory;
    assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
  }
  for (i = 0; i < THREADS; i++) assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
  for (i = 0; i < RACES; i++) {
    size_t fresh = 0, seen = 0;

    for (j = 0; j < THREADS; j++) {
      fresh += racers[j].got[i] == H3EDGE_CLAIM_FRESH;
      seen += racers[j].got[i] == H3EDGE_CLAIM_SEEN;
    }
    CHECK_INT(fresh, 1);
    CHECK_INT(seen, THREADS - 1);
  }
done:
  h3edge_memory_register_free(memory);
  pthread_barrier_destroy(&start);
}

static void scopes_differ(void) {
  h3edge_register *one = NULL, *other = NULL;

  OK(register_new(&one, 1));
  OK(register_new(&other, 1));
  CHECK(memcmp(one->scope, other->scope, sizeof one->scope) != 0);
  CHECK_TEXT(one->vtable->name, "memory");
  CHECK(!one->vtable->forget);
done:
  h3edge_memory_register_free(one);
  h3edge_memory_register_free(other);
}

static void options_may_be_missing_or_wrong(void) {
  h3edge_memory_register_options options;
  h3edge_register *memory = NULL;

  OK(h3edge_memory_register_new(&memory, NULL));
  CHECK_INT(claim(memory, 1, TTL, NOW), H3EDGE_CLAIM_FRESH);
  h3edge_memory_register_free(memory);
  memory = NULL;
  h3edge_memory_register_free(NULL);
  h3edge_memory_register_options_init(&options);
  CHECK_INT(h3edge_memory_register_new(NULL, &options), H3EDGE_ERR_INVAL);
  options.struct_size = 1;
  CHECK_INT(h3edge_memory_register_new(&memory, &options), H3EDGE_ERR_INVAL);
  CHECK_INT(register_new(&memory, SIZE_MAX), H3EDGE_ERR_NOMEM);
  CHECK_INT(register_new(&memory, SIZE_MAX / 16), H3EDGE_ERR_NOMEM);
  CHECK(!memory);
done:
  h3edge_memory_register_free(memory);
}

static void needs_randomness(void) {
  h3edge_register *memory = NULL;
  int error;

  randomness.none = true;
  error = register_new(&memory, 1);
  randomness.none = false;
  if (!unit_failed()) assert_int_equal(error, H3EDGE_ERR_SYSTEM);
  assert_null(memory);
}

UNIT_MAIN("replay/memory_register", UNIT(the_first_is_fresh_and_the_others_are_seen), UNIT(no_byte_is_left_out),
          UNIT(a_claim_lasts_for_its_ttl), UNIT(a_full_one_fails_until_claims_expire),
          UNIT(has_room_for_so_many_and_no_more), UNIT(threads_need_not_come_in_order),
          UNIT(fails_where_it_cannot_count), UNIT(behaves_as_one_that_never_forgets_too_early),
          UNIT(takes_16_bytes_for_a_claim), UNIT(too_many_fail_and_the_others_stay),
          UNIT(of_threads_that_race_one_is_first), UNIT(scopes_differ), UNIT(options_may_be_missing_or_wrong),
          UNIT(needs_randomness))
