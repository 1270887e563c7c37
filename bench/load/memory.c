/* SPDX-License-Identifier: MIT */
/* memory.c: session, transport parameters and token, in memory and as PEM in files. */
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

static const char session_label[] = "QUIC TLS SESSION";
static const char params_label[] = "QUIC TRANSPORT PARAMETERS";
static const char token_label[] = "QUIC TOKEN";

bool memory_keep(gnutls_datum_t *item, const uint8_t *data, size_t len) {
  uint8_t *copy = gnutls_malloc(len ? len : 1);

  if (!copy) return false;
  memcpy(copy, data, len);
  gnutls_free(item->data);
  *item = (gnutls_datum_t){copy, (unsigned)len};
  return true;
}

void memory_free(memory *m) {
  gnutls_free(m->session.data);
  gnutls_free(m->params.data);
  gnutls_free(m->token.data);
  memset(m, 0, sizeof *m);
}

static bool read_items(const char *path, const char *const labels[], gnutls_datum_t *const items[], size_t count) {
  gnutls_datum_t text;
  bool good = true;
  size_t i;

  if (access(path, F_OK) && errno == ENOENT) return true;
  if (gnutls_load_file(path, &text)) {
    complain("cannot read %s: %s", path, strerror(errno));
    return false;
  }
  for (i = 0; i < count && good; i++) good = !gnutls_pem_base64_decode2(labels[i], &text, items[i]);
  gnutls_free(text.data);
  if (!good) complain("%s has no %s", path, labels[i - 1]);
  return good;
}

bool memory_read_session(memory *m, const char *path) {
  return read_items(path, (const char *const[]){session_label, params_label},
                    (gnutls_datum_t *const[]){&m->session, &m->params}, 2);
}

bool memory_read_token(memory *m, const char *path) {
  return read_items(path, (const char *const[]){token_label}, (gnutls_datum_t *const[]){&m->token}, 1);
}

static bool write_item(FILE *file, const char *label, const gnutls_datum_t *item) {
  gnutls_datum_t text;
  bool good;

  if (gnutls_pem_base64_encode2(label, item, &text)) return false;
  good = fwrite(text.data, text.size, 1, file) == 1;
  gnutls_free(text.data);
  return good;
}

static bool write_items(const char *path, const char *const labels[], const gnutls_datum_t *const items[],
                        size_t count) {
  FILE *file = fopen(path, "we");
  bool good = file != NULL;
  size_t i;

  for (i = 0; i < count && good; i++) good = write_item(file, labels[i], items[i]);
  if (file && fclose(file)) good = false;
  if (!good) complain("cannot write %s: %s", path, strerror(errno));
  return good;
}

bool memory_write_session(const memory *m, const char *path) {
  if (!m->session.data) return true;
  return write_items(path, (const char *const[]){session_label, params_label},
                     (const gnutls_datum_t *const[]){&m->session, &m->params}, 2);
}

bool memory_write_token(const memory *m, const char *path) {
  if (!m->token.data) return true;
  return write_items(path, (const char *const[]){token_label}, (const gnutls_datum_t *const[]){&m->token}, 1);
}
