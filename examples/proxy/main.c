/* SPDX-License-Identifier: MIT */
/* main.c: h3edge-proxy. Makes the objects, wires them together, and runs until a signal. What it does stands in the
 * library; what it can be told stands in options.c, and what it makes of early data in early.c. */
#include <errno.h>
#include <h3edge/h3edge.h>
#include <h3edge/uv.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "access_log.h"
#include "early.h"
#include "options.h"
#include "output.h"

#define GRACE (5 * H3EDGE_SECOND) /* for the requests at hand when a signal stops the proxy */

typedef struct proxy {
  proxy_options options;
  h3edge_logger logger;
  FILE *keylog;
  h3edge_credentials *credentials;
  char spki[HASH_TEXT]; /* of the certificate made here, else empty */
  h3edge_upstream *upstream;
  h3edge_gateway *gateway;
  h3edge_server *server;
  early_data early;
  access_log access_log;
  h3edge_uv *uv;
  uv_loop_t loop;
  uv_prepare_t turn;
  uv_signal_t terminate, interrupt, counters, rotation;
  bool stopping;
} proxy;

static void on_request(void *gateway, h3edge_server *server, h3edge_request *request) {
  (void)server;
  h3edge_gateway_forward((h3edge_gateway *)gateway, request);
}

/* The objects. Each function returns the exit status: 0, or the one that fits what it has complained about. */

static int no_memory(void) {
  complain("out of memory");
  return EXIT_FAILURE;
}

static int open_keylog(proxy *p) {
  const char *path = p->options.keylog;

  if (!path) return 0;
  umask(077); /* nobody else may read what decrypts everything */
  p->keylog = fopen(path, "a");
  if (p->keylog) return 0;
  complain("cannot write the key log %s: %s", path, strerror(errno));
  return EXIT_FAILURE;
}

static int make_certificate(proxy *p) {
  static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
  uint8_t spki[32];

  if (h3edge_credentials_add_self_signed(p->credentials, names, sizeof names / sizeof *names, (uint64_t)time(NULL),
                                         spki)) {
    complain("cannot make a certificate: give one with --cert and --key");
    return EXIT_FAILURE;
  }
  hash_text(spki, p->spki);
  return 0;
}

static int make_credentials(proxy *p) {
  const proxy_options *o = &p->options;
  const char *why = NULL;

  if (h3edge_credentials_new(&p->credentials)) return no_memory();
  if (!o->cert) return make_certificate(p);
  if (!h3edge_credentials_add_files(p->credentials, o->cert, o->key, &why)) return 0;
  complain("cannot use the certificate %s with the key %s: %s", o->cert, o->key, why);
  return EXIT_FAILURE;
}

static int open_access_log(proxy *p) {
  const proxy_options *o = &p->options;

  return !o->access_log || access_log_open(&p->access_log, o->access_log, o->access_line) ? 0 : EXIT_FAILURE;
}

static void accept_early(void *ctx, h3edge_origin *origin) {
  (void)ctx;
  h3edge_origin_set_accepts_early(origin, true);
}

static int make_upstream(proxy *p) {
  h3edge_upstream_options options;
  int status;

  h3edge_upstream_options_init(&options);
  options.min_warm = p->options.min_warm;
  options.trust_file = p->options.origin_ca;
  options.logger = &p->logger;
  if (h3edge_upstream_new(&p->upstream, &options)) return no_memory();
  status = routes_make_origins(&p->options.routes, p->upstream);
  if (!status && p->early.classifier) routes_each_origin(&p->options.routes, accept_early, NULL);
  return status;
}

static int make_gateway(proxy *p) {
  static const h3edge_gateway_hooks hooks = {.struct_size = sizeof hooks, .on_report = access_log_add};
  h3edge_gateway_options options;

  h3edge_gateway_options_init(&options);
  options.upstream = p->upstream;
  options.route = routes_choose;
  options.route_ctx = &p->options.routes;
  options.trusted = p->options.trusted;
  options.trusted_count = p->options.trusted_count;
  options.forwarded = p->options.forwarded;
  if (p->options.access_log) options.hooks = &hooks;
  options.hooks_ctx = &p->access_log;
  options.logger = &p->logger;
  return h3edge_gateway_new(&p->gateway, &options) ? no_memory() : 0;
}

static int make_server(proxy *p) {
  static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = on_request};
  h3edge_server_options options;

  h3edge_server_options_init(&options);
  options.credentials = p->credentials;
  options.congestion = p->options.congestion;
  options.classifier = p->early.classifier;
  options.claim_register = p->early.claims;
  options.early_any_address = p->options.early_any_address;
  options.logger = &p->logger;
  if (p->keylog) options.on_keylog = log_key;
  options.keylog_ctx = p->keylog;
  if (p->options.secret_file && !read_secret(p->options.secret_file, options.secret)) return EXIT_FAILURE;
  return h3edge_server_new(&p->server, &options, &events, p->gateway) ? no_memory() : 0;
}

static const char *advice(int system_error) {
  switch (system_error) {
  case EADDRINUSE:
    return "; another program serves that UDP port (ss -lunp shows it): stop it, or choose another with --listen";
  case EACCES:
    return "; ports below 1024 are root's, or need CAP_NET_BIND_SERVICE";
  case EADDRNOTAVAIL:
    return "; this machine has no such address (ip address shows those it has)";
  default:
    return "";
  }
}

/* Appends the bound address to `text`, what is said when the proxy is ready. */
static int listen_on(proxy *p, const listen_address *wanted, char *text, size_t cap) {
  char name[H3EDGE_ADDRESS_TEXT];
  const char *why = NULL;
  h3edge_address bound;
  size_t used = strlen(text);

  if (!h3edge_uv_listen(p->uv, &wanted->address, &bound, &why)) {
    h3edge_address_text(&bound, name);
    snprintf(text + used, cap - used, "%s%s", used ? ", " : "", name);
    return 0;
  }
  h3edge_address_text(&wanted->address, name);
  if (wanted->optional && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
    complain("left out %s: %s", name, why);
    return 0;
  }
  complain("cannot listen on %s: %s%s", name, why, advice(errno));
  return EXIT_FAILURE;
}

static int start_listening(proxy *p) {
  char text[LISTEN_MAX * (H3EDGE_ADDRESS_TEXT + 2)] = "";
  h3edge_uv_options options;
  int status = 0;
  size_t i;

  h3edge_uv_options_init(&options);
  options.server = p->server;
  options.upstream = p->upstream;
  options.logger = &p->logger;
  if (h3edge_uv_new(&p->uv, &p->loop, &options)) return no_memory();
  for (i = 0; i < p->options.listen_count && !status; i++)
    status = listen_on(p, &p->options.listen[i], text, sizeof text);
  if (status) return status;
  if (p->spki[0])
    printf("no --cert: made a certificate for localhost, 127.0.0.1 and ::1, which no client trusts by itself\n"
           "Chromium takes it with --ignore-certificate-errors-spki-list=%s\n",
           p->spki);
  printf("listening on %s\n", text);
  fflush(stdout);
  return 0;
}

/* Running and stopping */

static void on_stopped(void *ctx) {
  proxy *p = ctx;

  uv_close((uv_handle_t *)&p->terminate, NULL);
  uv_close((uv_handle_t *)&p->interrupt, NULL);
  uv_close((uv_handle_t *)&p->counters, NULL);
  uv_close((uv_handle_t *)&p->rotation, NULL);
  uv_close((uv_handle_t *)&p->turn, NULL);
}

static void on_stop_signal(uv_signal_t *handle, int number) {
  proxy *p = handle->data;

  (void)number;
  h3edge_uv_stop(p->uv, p->stopping ? 0 : GRACE, on_stopped, p);
  p->stopping = true;
}

static void on_counters_signal(uv_signal_t *handle, int number) {
  const proxy *p = handle->data;

  (void)number;
  print_counters(p->server, p->gateway, p->upstream);
  routes_each_origin(&p->options.routes, print_origin_counters, NULL);
}

/* Without a log to rotate it means what it means to others: the terminal is gone. */
static void on_rotation_signal(uv_signal_t *handle, int number) {
  proxy *p = handle->data;

  if (p->options.access_log)
    access_log_reopen(&p->access_log);
  else
    on_stop_signal(handle, number);
}

/* The loop has done what there was to do. */
static void on_turn(uv_prepare_t *handle) {
  proxy *p = handle->data;

  access_log_flush(&p->access_log);
}

static void watch_signal(proxy *p, uv_signal_t *handle, uv_signal_cb cb, int number) {
  uv_signal_init(&p->loop, handle);
  handle->data = p;
  uv_signal_start(handle, cb, number);
}

static void watch(proxy *p) {
  signal(SIGPIPE, SIG_IGN); /* both are errors of one write, not of the process */
  signal(SIGXFSZ, SIG_IGN);
  watch_signal(p, &p->terminate, on_stop_signal, SIGTERM);
  watch_signal(p, &p->interrupt, on_stop_signal, SIGINT);
  watch_signal(p, &p->counters, on_counters_signal, SIGUSR1);
  watch_signal(p, &p->rotation, on_rotation_signal, SIGHUP);
  uv_prepare_init(&p->loop, &p->turn);
  p->turn.data = p;
  uv_prepare_start(&p->turn, on_turn);
}

static int run(proxy *p) {
  int status = open_keylog(p);

  watch(p);
  if (!status) status = open_access_log(p);
  if (!status) status = make_credentials(p);
  if (!status && !early_data_init(&p->early, &p->options)) status = no_memory();
  if (!status) status = make_upstream(p);
  if (!status) status = make_gateway(p);
  if (!status) status = make_server(p);
  if (!status) status = start_listening(p);
  if (status && p->uv)
    h3edge_uv_stop(p->uv, 0, on_stopped, p);
  else if (status)
    on_stopped(p);
  uv_run(&p->loop, UV_RUN_DEFAULT);
  return status;
}

static void clean_up(proxy *p) {
  h3edge_server_free(p->server);
  h3edge_gateway_free(p->gateway);
  h3edge_upstream_free(p->upstream);
  early_data_free(&p->early);
  h3edge_credentials_free(p->credentials);
  routes_free(&p->options.routes);
  access_log_close(&p->access_log);
  if (p->keylog) fclose(p->keylog);
  uv_loop_close(&p->loop);
}

int main(int argc, char **argv) {
  proxy p;
  int status;

  memset(&p, 0, sizeof p);
  options_read(&p.options, argc, argv);
  h3edge_sized_init(&p.logger, sizeof p.logger);
  p.logger.level = p.options.verbose ? H3EDGE_LOG_DEBUG : H3EDGE_LOG_WARN;
  p.logger.line = log_line;
  if (uv_loop_init(&p.loop)) return no_memory();
  status = run(&p);
  clean_up(&p);
  return status;
}
