/* SPDX-License-Identifier: MIT */
/* replay.h: which requests bear a replay, and whether a first flight was seen before.
 *
 * A returning client may put requests into its first packets (0-RTT, RFC 8446 2.3), and whoever recorded those packets
 * can send them again (8). Two questions decide what is done with a request whose head is complete before the
 * handshake:
 *
 *   the classifier   may this request be acted upon early?   ALLOW, HOLD (wait for the handshake), REJECT (425)
 *   the register     is this the first time that anybody shows this ClientHello?   FRESH, SEEN, FAILED
 *
 * Only ALLOW and FRESH together deliver a request early. Everything else waits for the handshake, which a replayed
 * flight can never complete, and is then delivered as if nothing had happened. Without a classifier every early request
 * waits; without a register there is no early data at all. So what is promised is: at most one early execution for each
 * ClientHello, over all servers that ask the same register. It is not promised that an allowed request runs once in
 * all: a copy that overtakes the original runs early, and the original after its handshake (RFC 8446 8). ALLOW is for
 * requests that bear that.
 */
#ifndef H3EDGE_REPLAY_H
#define H3EDGE_REPLAY_H

#include <h3edge/base.h>
#include <h3edge/request.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct h3edge_server h3edge_server;

/* In the order of strictness, so that the strictest of several is a maximum. Anything else counts as REJECT. */
typedef enum h3edge_verdict {
  H3EDGE_ABSTAIN, /* no opinion: as HOLD, unless another classifier of a list has one */
  H3EDGE_ALLOW,   /* may be acted upon early */
  H3EDGE_HOLD,    /* waits for the handshake */
  H3EDGE_REJECT   /* 425 Too Early (RFC 8470 5.2), now */
} h3edge_verdict;
/* "abstain", "allow", "hold", "reject"; "invalid" for anything else. */
H3EDGE_API const char *h3edge_verdict_name(h3edge_verdict verdict);

/* A classifier is a struct that begins with this one. It is called on the thread of the server for each request that
 * comes before the handshake is complete, or that a hop in front of this one marked with `Early-Data` (RFC 8470 5.1).
 * It sees only the head (whose `ended` says that there is no content) and the addresses, both borrowed; it must not
 * block, and gives the same answer for the same question. After ABSTAIN it is asked once more when the end of the
 * request arrives while it waits: `ended` may have become true. A request with content that is ALLOWed waits until all
 * of the content is here. */
typedef struct h3edge_classifier h3edge_classifier;
typedef struct h3edge_classifier_vtable {
  size_t struct_size;
  const char *name; /* for the log */
  h3edge_verdict (*classify)(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path);
} h3edge_classifier_vtable;
struct h3edge_classifier {
  const h3edge_classifier_vtable *vtable;
};
/* Asks it, and makes REJECT of what is no verdict. NULL abstains. */
H3EDGE_API h3edge_verdict h3edge_classifier_ask(const h3edge_classifier *classifier, const h3edge_head *head,
                                                const h3edge_path *path);

/* Ready-made ones, good for ever. They ALLOW or ABSTAIN, and go by method and head alone: what a path does with a safe
 * method is the origin's word, which whoever sets one of these vouches for.
 *   safe         a safe method (RFC 9110 9.2.1: GET, HEAD, OPTIONS, TRACE) and no content
 *   strict       GET, HEAD or OPTIONS; no content, no query, no `authorization`, no `cookie`
 *   idempotent   an idempotent method (9.2.2: the safe ones, PUT, DELETE) and no content */
H3EDGE_API const h3edge_classifier *h3edge_classifier_safe(void);
H3EDGE_API const h3edge_classifier *h3edge_classifier_strict(void);
H3EDGE_API const h3edge_classifier *h3edge_classifier_idempotent(void);

/* Rules: the first row that fits decides; ABSTAIN when none does. They look at the target and not at content. Bytes are
 * compared as they came: no case is folded but the host's, no %-encoding is decoded, no "..", "." or "//" is resolved.
 * Where the origin does that, a row that ALLOWs "/static" speaks for "/static/../report" too. `OPTIONS *` fits no path.
 */
typedef struct h3edge_rule {
  h3edge_str method;    /* exactly; "*" is any */
  h3edge_str authority; /* host [":" port], the host in either case, no port being 443; empty is any */
  h3edge_str path;      /* a whole path, or its beginning up to a "/": "/a" fits "/a", "/a?b" and "/a/b", not "/ab" */
  h3edge_verdict verdict;
} h3edge_rule;
typedef struct h3edge_rules {
  h3edge_classifier base;
  const h3edge_rule *rules;
  size_t count;
} h3edge_rules;
/* `rules` and their text are kept as long as the classifier is used. */
H3EDGE_API void h3edge_classifier_rules_init(h3edge_rules *out, const h3edge_rule *rules, size_t count);
/* Reads "METHOD [AUTHORITY]/PREFIX VERDICT", for example "GET api.example/report hold" or "* /static allow". The text
 * is kept by the rule. INVAL, with a phrase in `*detail` unless `detail` is NULL, for anything else and for what could
 * not fit a request, or not as it was meant: a method not in capitals, userinfo, a wildcard, a query, a verdict that is
 * none of allow, hold and reject. */
H3EDGE_API int h3edge_rule_parse(h3edge_rule *out, const char *text, const char **detail);

/* Several classifiers as one: the FIRST that does not abstain, or the STRICTEST answer of all. */
typedef enum h3edge_list_mode { H3EDGE_LIST_FIRST, H3EDGE_LIST_STRICTEST } h3edge_list_mode;
typedef struct h3edge_classifier_list {
  h3edge_classifier base;
  h3edge_list_mode mode;
  const h3edge_classifier *const *items;
  size_t count;
} h3edge_classifier_list;
/* `items`, the array and what it points to, are kept as long as the list is used. */
H3EDGE_API void h3edge_classifier_list_init(h3edge_classifier_list *out, h3edge_list_mode mode,
                                            const h3edge_classifier *const *items, size_t count);

/* The register remembers which ClientHellos were shown. */
typedef enum h3edge_claim {
  H3EDGE_CLAIM_FRESH,  /* never shown before; it is remembered now */
  H3EDGE_CLAIM_SEEN,   /* shown before, perhaps */
  H3EDGE_CLAIM_FAILED, /* cannot tell: full, slow, gone */
  H3EDGE_CLAIM_PENDING /* told later by h3edge_server_claimed; requests wait meanwhile */
} h3edge_claim;
typedef struct h3edge_register h3edge_register;
typedef struct h3edge_register_vtable {
  size_t struct_size;
  const char *name; /* for the log */
  /* Claims `key` (borrowed, 16 to 64 bytes) for `ttl` nanoseconds. Must be atomic over everybody who asks: of two that
   * claim the same key at most one gets FRESH. Anything that is no claim counts as FAILED. Called on the thread of any
   * server that was given the register, and must not block. `id` names the claim in h3edge_server_claimed, which may
   * only be called after this has returned PENDING. */
  h3edge_claim (*claim)(h3edge_register *self, h3edge_server *server, uint64_t id, const uint8_t *key, size_t len,
                        h3edge_ts ttl, h3edge_ts now);
  /* `server` is about to be freed: h3edge_server_claimed may not be called for it any more. May be NULL. */
  void (*forget)(h3edge_register *self, h3edge_server *server);
} h3edge_register_vtable;
/* A register is a struct that begins with this one. `scope` names what it remembers: servers with the same secret
 * accept each other's tickets for early data only when their registers have the same scope. Random for a register that
 * lives and dies with its process; kept with the data where that outlives it. */
struct h3edge_register {
  const h3edge_register_vtable *vtable;
  uint8_t scope[16];
};

/* A register in the memory of this process, for any number of servers on any number of threads whose clocks (`now`) are
 * the same. It takes 16 bytes for each of `capacity` claims, once and for all, and keeps a claim for its ttl and at
 * most two seconds more. With more than `capacity` of them at one time claims begin to FAIL, with twice as many,
 * rounded up to a multiple of 64, all do, until old ones expire. (1,000 early connections a second and tickets of one
 * hour, kept six, are 21.6 million.) Now and then, once in a hundred million times, it takes a new key for one that it
 * has seen. */
typedef struct h3edge_memory_register_options {
  size_t struct_size;
  size_t capacity;       /* claims (1,000,000) */
  const h3edge_mem *mem; /* kept; NULL: the C library's */
} h3edge_memory_register_options;
#define h3edge_memory_register_options_init(options) h3edge_sized_init((options), sizeof *(options))
/* `options` may be NULL. NOMEM; SYSTEM when the system gives no randomness or no lock. */
H3EDGE_API int h3edge_memory_register_new(h3edge_register **out, const h3edge_memory_register_options *options);
/* After the servers that were given it. NULL is allowed. */
H3EDGE_API void h3edge_memory_register_free(h3edge_register *memory);

#ifdef __cplusplus
}
#endif
#endif
