/* SPDX-License-Identifier: MIT */
/* shared.c: files, certificates, the secret and early data, as the options want them. */
#include "shared.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <uv.h>

static int open_keylog(shared *s) {
  const char *path = s->options.keylog;

  if (!path) return 0;
  umask(077); /* nobody else may read what decrypts everything */
  s->keylog = fopen(path, "a");
  if (s->keylog) return 0;
  complain("cannot write the key log %s: %s", path, strerror(errno));
  return EXIT_FAILURE;
}

static int open_access_log(shared *s) {
  const proxy_options *o = &s->options;

  return !o->access_log || access_log_open(&s->access_log, o->access_log, o->access_line) ? 0 : EXIT_FAILURE;
}

static int make_certificate(shared *s) {
  static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
  uint8_t spki[32];

  if (h3edge_credentials_add_self_signed(s->credentials, names, sizeof names / sizeof *names, (uint64_t)time(NULL),
                                         spki)) {
    complain("cannot make a certificate: give one with --cert and --key");
    return EXIT_FAILURE;
  }
  hash_text(spki, s->spki);
  return 0;
}

static int make_credentials(shared *s) {
  const proxy_options *o = &s->options;
  const char *why = NULL;

  if (h3edge_credentials_new(&s->credentials)) return no_memory();
  if (!o->cert) return make_certificate(s);
  if (!h3edge_credentials_add_files(s->credentials, o->cert, o->key, &why)) return 0;
  complain("cannot use the certificate %s with the key %s: %s", o->cert, o->key, why);
  return EXIT_FAILURE;
}

/* One for all workers: what one of them has given a client is good with the others. */
static int make_secret(shared *s) {
  const char *path = s->options.secret_file;
  int error;

  if (path) return read_secret(path, s->secret) ? 0 : EXIT_FAILURE;
  error = uv_random(NULL, NULL, s->secret, sizeof s->secret, 0, NULL);
  if (!error) return 0;
  complain("cannot make a secret: %s", uv_strerror(error));
  return EXIT_FAILURE;
}

int shared_init(shared *s) {
  int status = open_keylog(s);

  if (!status) status = open_access_log(s);
  if (!status) status = make_credentials(s);
  if (!status) status = make_secret(s);
  if (!status && !early_data_init(&s->early, &s->options)) status = no_memory();
  return status;
}

void shared_free(shared *s) {
  early_data_free(&s->early);
  h3edge_credentials_free(s->credentials);
  access_log_close(&s->access_log);
  if (s->keylog) fclose(s->keylog);
  routes_free(&s->options.routes);
}
