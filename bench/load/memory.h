/* SPDX-License-Identifier: MIT */
/* memory.h: what a client keeps from one visit to the next. */
#ifndef H3EDGE_BENCH_LOAD_MEMORY_H
#define H3EDGE_BENCH_LOAD_MEMORY_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each is empty (data NULL) until the server has given it. */
typedef struct memory {
  gnutls_datum_t session; /* with its ticket */
  gnutls_datum_t params;  /* the server's transport parameters, for early data */
  gnutls_datum_t token;   /* of NEW_TOKEN */
} memory;

/* Puts a copy of `data` in place of what is there. False: no memory. */
bool memory_keep(gnutls_datum_t *item, const uint8_t *data, size_t len);
void memory_free(memory *m);

/* A file that is not there is no error; one that makes no sense is. They return false and complain. */
bool memory_read_session(memory *m, const char *path);
bool memory_read_token(memory *m, const char *path);
bool memory_write_session(const memory *m, const char *path);
bool memory_write_token(const memory *m, const char *path);

#endif
