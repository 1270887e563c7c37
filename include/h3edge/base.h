/* SPDX-License-Identifier: MIT */
/* base.h: what every other header stands on: time, errors, strings, fields, addresses, blocks, memory, the log.
 *
 * Words used by every comment of this API:
 *   borrowed  the callee looks at it until the call returns
 *   copied    the callee makes its own copy; the caller's may go at once
 *   kept      the callee goes on looking at it until the event that the comment names
 *   taken     the callee owns it from now on
 */
#ifndef H3EDGE_BASE_H
#define H3EDGE_BASE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#if defined(__GNUC__)
#define H3EDGE_API __attribute__((visibility("default")))
#else
#define H3EDGE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Time. Nanoseconds on a clock that never runs backwards; where its zero lies is the caller's choice. The library
 * reads no clock: each fact and each poll brings the time along. */
typedef uint64_t h3edge_ts;
#define H3EDGE_MILLISECOND ((h3edge_ts)1000000)
#define H3EDGE_SECOND ((h3edge_ts)1000000000)
#define H3EDGE_NEVER UINT64_MAX /* the deadline of something that waits for facts only */

/* Errors. Functions that can fail return 0 or more for success and one of these otherwise; the object is then as it
 * was before the call. A fault of the peer is never an error of a call: it ends that request or connection, and
 * on_close and the log tell of it. */
#define H3EDGE_ERRORS(X)                                                                                               \
  X(INVAL, -1, "an argument is not valid")                                                                             \
  X(STATE, -2, "the call does not fit the state of the object")                                                        \
  X(NOMEM, -3, "out of memory")                                                                                        \
  X(LIMIT, -4, "a limit set in the options is reached")                                                                \
  X(AGAIN, -5, "no room now: wait for on_drain")                                                                       \
  X(CREDENTIALS, -6, "the certificate or the key cannot be used")                                                      \
  X(SYSTEM, -7, "a call to the operating system failed")
enum {
#define H3EDGE_ERROR_ENUM(name, value, text) H3EDGE_ERR_##name = (value),
  H3EDGE_ERRORS(H3EDGE_ERROR_ENUM)
#undef H3EDGE_ERROR_ENUM
};
/* "H3EDGE_ERR_INVAL", or "H3EDGE_OK" for 0 and more, "H3EDGE_ERR_UNKNOWN" for anything else. */
H3EDGE_API const char *h3edge_error_name(int error);
/* One English phrase without a full stop. */
H3EDGE_API const char *h3edge_error_text(int error);

/* Structs that may grow begin with `size_t struct_size`. Options are set up with the macro named after them, which
 * calls this: all zero, and zero always means "the default". Tables of events are const and say
 * `.struct_size = sizeof(the_table)`. */
static inline void h3edge_sized_init(void *object, size_t size) {
  memset(object, 0, size);
  memcpy(object, &size, sizeof size);
}

/* Text with its length; not necessarily ended by NUL, may hold any byte. */
typedef struct h3edge_str {
  const char *data;
  size_t len;
} h3edge_str;
static inline h3edge_str h3edge_str_of(const char *text) {
  h3edge_str s;
  s.data = text;
  s.len = text ? strlen(text) : 0;
  return s;
}

/* One field line of a head or of trailers (RFC 9110 5). Names are lower case. */
enum { H3EDGE_FIELD_SENSITIVE = 1u }; /* keep it out of compression tables (RFC 9204 7.1) */
typedef struct h3edge_field {
  h3edge_str name;
  h3edge_str value;
  unsigned flags;
} h3edge_field;
/* A list of fields that is being written: see gateway.h. */
typedef struct h3edge_fields h3edge_fields;

/* An IPv4 or IPv6 socket address; `len` is 0 for none. */
typedef struct h3edge_address {
  socklen_t len;
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } as;
} h3edge_address;
/* Copies `address` (borrowed). INVAL unless it is IPv4 or IPv6 and `len` fits. */
H3EDGE_API int h3edge_address_set(h3edge_address *out, const struct sockaddr *address, socklen_t len);
/* Reads "127.0.0.1:443" or "[::1]:443"; no names. INVAL when it is neither. */
H3EDGE_API int h3edge_address_parse(h3edge_address *out, const char *text);
#define H3EDGE_ADDRESS_TEXT 64
/* Writes the form that h3edge_address_parse reads, ended by NUL, into `out`; returns its length. An IPv4 address that
 * is mapped into IPv6, as IPv4 clients have it on an IPv6 socket, is written as IPv4. */
H3EDGE_API size_t h3edge_address_text(const h3edge_address *address, char out[H3EDGE_ADDRESS_TEXT]);
/* The same without port and brackets. */
H3EDGE_API size_t h3edge_address_host_text(const h3edge_address *address, char out[H3EDGE_ADDRESS_TEXT]);

/* The two ends of a datagram, seen from here. */
typedef struct h3edge_path {
  h3edge_address local;
  h3edge_address remote;
} h3edge_path;

/* Memory functions. All four are called with `ctx` first, follow the C standard's semantics, and may fail. The struct
 * is kept until the objects made with it are freed. */
typedef struct h3edge_mem {
  size_t struct_size;
  void *ctx;
  void *(*malloc)(void *ctx, size_t size);
  void *(*calloc)(void *ctx, size_t count, size_t size);
  void *(*realloc)(void *ctx, void *block, size_t size);
  void (*free)(void *ctx, void *block);
} h3edge_mem;

/* A block of bytes with a count of references, so that content travels from one object to another without a copy.
 * Blocks belong to one thread. */
typedef struct h3edge_chunk h3edge_chunk;
/* A new block of `cap` bytes with one reference, the caller's. `mem` is kept while the block lives; NULL means the C
 * library's. NOMEM; INVAL for a `cap` of 0. */
H3EDGE_API int h3edge_chunk_new(h3edge_chunk **out, const h3edge_mem *mem, size_t cap);
H3EDGE_API uint8_t *h3edge_chunk_data(h3edge_chunk *chunk);
H3EDGE_API size_t h3edge_chunk_cap(const h3edge_chunk *chunk);
H3EDGE_API h3edge_chunk *h3edge_chunk_ref(h3edge_chunk *chunk); /* returns `chunk` */
H3EDGE_API void h3edge_chunk_unref(h3edge_chunk *chunk);        /* the last one frees it; NULL is allowed */

/* Some bytes, and the block that they stand in. Where `chunk` is NULL the bytes are only borrowed and have to be
 * copied by whoever wants them longer; where it is not, a reference to it keeps them. */
typedef struct h3edge_slice {
  const uint8_t *data;
  size_t len;
  h3edge_chunk *chunk;
} h3edge_slice;

typedef struct h3edge_iov {
  const uint8_t *data;
  size_t len;
} h3edge_iov;

/* The log. One finished line per event, without a line end; values of fields, content and keys never appear in it,
 * and bytes that are not printable ASCII are escaped. */
typedef enum h3edge_log_level {
  H3EDGE_LOG_ERROR = 1,
  H3EDGE_LOG_WARN,
  H3EDGE_LOG_INFO,
  H3EDGE_LOG_DEBUG
} h3edge_log_level;
typedef struct h3edge_logger {
  size_t struct_size;
  h3edge_log_level level; /* lines above it are not even made */
  void (*line)(void *ctx, h3edge_log_level level, const char *text, size_t len);
  void *ctx;
} h3edge_logger;

/* Why a request ended, or why it is to be reset. The wire's codes stay inside. */
typedef enum h3edge_reason {
  H3EDGE_REASON_DONE,       /* the response was sent and acknowledged whole */
  H3EDGE_REASON_CANCELLED,  /* no longer wanted here (H3_REQUEST_CANCELLED) */
  H3EDGE_REASON_REJECTED,   /* not acted upon, the client may send it again (H3_REQUEST_REJECTED) */
  H3EDGE_REASON_INTERNAL,   /* a fault on this side, or behind it (H3_INTERNAL_ERROR) */
  H3EDGE_REASON_MALFORMED,  /* the client broke a rule of HTTP (H3_MESSAGE_ERROR) */
  H3EDGE_REASON_OVERLOAD,   /* the client asks for too much (H3_EXCESSIVE_LOAD) */
  H3EDGE_REASON_TIMEOUT,    /* the client took too long: answered 408, or H3_REQUEST_INCOMPLETE, or _CANCELLED */
  H3EDGE_REASON_PEER,       /* the client reset it, or will not read the response */
  H3EDGE_REASON_CONNECTION, /* its connection ended */
  H3EDGE_REASON_SHUTDOWN    /* the server was closed or freed */
} h3edge_reason;
/* "done", "cancelled", ... */
H3EDGE_API const char *h3edge_reason_name(h3edge_reason reason);

/* The version of the library at run time, "0.1.0"; version.h has the one compiled against. */
H3EDGE_API const char *h3edge_version(void);

#ifdef __cplusplus
}
#endif
#endif
