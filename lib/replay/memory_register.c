/* SPDX-License-Identifier: MIT */
/* memory_register.c: which keys were claimed, in the memory of one process. Called by the sessions of all servers that
 * were given it, on their threads.
 *
 * A key is hashed with a secret, so that nobody outside can choose where it goes. Half of the hash says in which bucket
 * it belongs, the other half stands there beside the second at which it may be forgotten. A claim reads one bucket, end
 * to end, and does nothing else: there is no moment at which much has to be cleared, and what has expired is simply
 * written over. Invariants: an entry is never written over before its ttl is over; a full bucket answers FAILED. */
#include <h3edge/replay.h>
#include <pthread.h>
#include <sys/random.h>

#include "util/mem.h"
#include "util/options.h"
#include "util/siphash.h"

#define DEFAULT_CAPACITY 1000000
/* With `capacity` entries buckets are half full on average; one in two million is full then. */
#define BUCKET 64

/* Two columns, so that the compiler can compare several entries at once. */
struct bucket {
  uint32_t fingerprint[BUCKET];
  uint32_t until[BUCKET]; /* in seconds since the first claim; 0: never used */
};

typedef struct memory_register {
  h3edge_register base; /* first */
  const h3edge_mem *mem;
  uint8_t key[16];
  size_t bucket_count;
  pthread_mutex_t lock; /* guards what follows */
  bool started;
  h3edge_ts start;  /* time of the first claim … */
  h3edge_ts latest; /* … and the latest one seen: threads need not come in order */
  struct bucket buckets[];
} memory_register;

static uint64_t seconds(h3edge_ts duration) {
  return duration / H3EDGE_SECOND;
}

/* Seconds since the first claim. */
static uint64_t pass_time(memory_register *memory, h3edge_ts now) {
  if (!memory->started) memory->start = now;
  memory->started = true;
  if (now > memory->latest) memory->latest = now;
  return seconds(memory->latest - memory->start);
}

/* Looks at all entries without a branch: which of them it is, if any, is not to be foreseen anyway. */
static bool holds(const struct bucket *bucket, uint32_t fingerprint, uint32_t second) {
  uint32_t found = 0;
  size_t i;

  for (i = 0; i < BUCKET; i++) found |= (bucket->fingerprint[i] == fingerprint) & (bucket->until[i] > second);
  return found;
}

static h3edge_claim claim_in(struct bucket *bucket, uint32_t fingerprint, uint32_t second, uint32_t until) {
  size_t i;

  if (holds(bucket, fingerprint, second)) return H3EDGE_CLAIM_SEEN;
  for (i = 0; i < BUCKET && bucket->until[i] > second; i++) continue;
  if (i == BUCKET) return H3EDGE_CLAIM_FAILED;
  bucket->fingerprint[i] = fingerprint;
  bucket->until[i] = until;
  return H3EDGE_CLAIM_FRESH;
}

#define CACHE_LINE 64

/* Every line of the bucket is on its way before the first is waited for. */
static void fetch(const struct bucket *bucket) {
#if defined __GNUC__
  size_t offset;

  for (offset = 0; offset < sizeof *bucket; offset += CACHE_LINE) __builtin_prefetch((const char *)bucket + offset, 1);
#else
  (void)bucket;
#endif
}

static h3edge_claim claim(h3edge_register *self, h3edge_server *server, uint64_t id, const uint8_t *key, size_t len,
                          h3edge_ts ttl, h3edge_ts now) {
  memory_register *memory = (memory_register *)self;
  uint64_t hash = h3edge__siphash(memory->key, key, len);
  struct bucket *home = &memory->buckets[(hash >> 32) * memory->bucket_count >> 32];
  h3edge_claim result = H3EDGE_CLAIM_FAILED;
  uint64_t second, until;

  (void)server;
  (void)id;
  fetch(home);
  pthread_mutex_lock(&memory->lock);
  second = pass_time(memory, now);
  until = second + seconds(ttl) + 2; /* one more for each that was rounded down */
  if (until <= UINT32_MAX) result = claim_in(home, (uint32_t)hash, (uint32_t)second, (uint32_t)until);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

/* How many buckets hold twice `capacity` entries, or 0 when no memory has room for them. */
static size_t buckets_for(size_t capacity) {
  size_t count = capacity / (BUCKET / 2) + (capacity % (BUCKET / 2) ? 1 : 0);

  return count <= UINT32_MAX && count <= (SIZE_MAX - sizeof(memory_register)) / sizeof(struct bucket) ? count : 0;
}

static int set_secrets(memory_register *memory) {
  uint8_t random[sizeof memory->key + sizeof memory->base.scope];

  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return H3EDGE_ERR_SYSTEM;
  memcpy(memory->key, random, sizeof memory->key);
  memcpy(memory->base.scope, random + sizeof memory->key, sizeof memory->base.scope);
  return 0;
}

int h3edge_memory_register_new(h3edge_register **out, const h3edge_memory_register_options *options) {
  static const h3edge_register_vtable vtable = {sizeof vtable, "memory", claim, NULL};
  h3edge_memory_register_options own;
  memory_register *memory;
  const h3edge_mem *mem;
  size_t count;

  h3edge_memory_register_options_init(&own);
  if (!out || (options && h3edge__sized_copy(&own, sizeof own, options))) return H3EDGE_ERR_INVAL;
  mem = h3edge__mem_or_default(own.mem);
  count = buckets_for(H3EDGE__OR(own.capacity, DEFAULT_CAPACITY));
  memory = count ? h3edge__alloc_zero(mem, sizeof *memory + count * sizeof(struct bucket)) : NULL;
  if (!memory) return H3EDGE_ERR_NOMEM;
  memory->base.vtable = &vtable;
  memory->mem = mem;
  memory->bucket_count = count;
  if (set_secrets(memory) || pthread_mutex_init(&memory->lock, NULL)) {
    h3edge__free(mem, memory);
    return H3EDGE_ERR_SYSTEM;
  }
  *out = &memory->base;
  return 0;
}

void h3edge_memory_register_free(h3edge_register *self) {
  memory_register *memory = (memory_register *)self;

  if (!memory) return;
  pthread_mutex_destroy(&memory->lock);
  h3edge__free(memory->mem, memory);
}
