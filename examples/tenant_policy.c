/* SPDX-License-Identifier: MIT */
/* tenant_policy.c: a classifier of one's own. Each tenant of this server has said what may be done with its requests
 * before the handshake; the server answers by itself and tells how the request came.
 *
 *   cc tenant_policy.c -o tenant_policy $(pkg-config --cflags --libs h3edge-uv) && ./tenant_policy
 */
#include <h3edge/h3edge.h>
#include <h3edge/uv.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

typedef struct tenant {
  const char *host;
  const h3edge_classifier *policy; /* NULL: nothing of it bears a replay */
} tenant;

/* It begins with an h3edge_classifier; what follows is ours, and found again by a cast. */
typedef struct tenant_policy {
  h3edge_classifier base;
  const tenant *tenants;
  size_t count;
} tenant_policy;

static bool is_for(const tenant *to, h3edge_str authority) {
  size_t len = strlen(to->host);

  if (authority.len < len || strncasecmp(authority.data, to->host, len) != 0) return false;
  return authority.len == len || authority.data[len] == ':'; /* any port */
}

/* Called for each early request. It must not block, and answers the same question always in the same way. */
static h3edge_verdict classify(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  const tenant_policy *policy = (const tenant_policy *)self;
  size_t i;

  for (i = 0; i < policy->count; i++) {
    const tenant *to = &policy->tenants[i];

    if (!is_for(to, head->authority)) continue;
    return to->policy ? h3edge_classifier_ask(to->policy, head, path) : H3EDGE_HOLD;
  }
  return H3EDGE_REJECT; /* whom nobody knows need not wait */
}

static const h3edge_classifier_vtable vtable = {sizeof vtable, "tenants", classify};

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  const char *text = h3edge_request_is_early(request) ? "early\n" : "after the handshake\n";

  (void)ctx, (void)server;
  if (h3edge_request_respond(request, 200, NULL, 0, 0) || h3edge_request_write(request, text, strlen(text), H3EDGE_END))
    h3edge_request_reset(request, H3EDGE_REASON_INTERNAL);
}

static void on_interrupt(uv_signal_t *interrupt, int number) {
  (void)number;
  h3edge_uv_stop((h3edge_uv *)interrupt->data, 3 * H3EDGE_SECOND, NULL, NULL);
  uv_close((uv_handle_t *)interrupt, NULL);
}

int main(int argc, char **argv) {
  static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = on_request};
  static const char *const names[] = {"docs.localhost", "shop.localhost", "bank.localhost"};
  const tenant tenants[] = {
      {"docs.localhost", h3edge_classifier_safe()},   /* every GET is the same for everybody */
      {"shop.localhost", h3edge_classifier_strict()}, /* the pages that know nobody are */
      {"bank.localhost", NULL},
  };
  const tenant_policy policy = {{&vtable}, tenants, sizeof tenants / sizeof *tenants};
  const char *where = argc > 1 ? argv[1] : "127.0.0.1:4433";
  uv_loop_t *loop = uv_default_loop();
  h3edge_server_options options;
  h3edge_uv_options uv_options;
  const char *why = "no memory, or no such address";
  h3edge_address address;
  uv_signal_t interrupt;
  h3edge_uv *uv;

  h3edge_server_options_init(&options);
  h3edge_uv_options_init(&uv_options);
  options.classifier = &policy.base;
  if (h3edge_memory_register_new(&options.claim_register, NULL) || h3edge_credentials_new(&options.credentials) ||
      h3edge_credentials_add_self_signed(options.credentials, names, 3, (uint64_t)time(NULL), NULL) ||
      h3edge_server_new(&uv_options.server, &options, &events, NULL) || h3edge_uv_new(&uv, loop, &uv_options) ||
      h3edge_address_parse(&address, where) || h3edge_uv_listen(uv, &address, NULL, &why)) {
    fprintf(stderr, "tenant_policy: %s\n", why);
    return 1;
  }
  printf("tenant_policy: docs.localhost, shop.localhost and bank.localhost on %s until Ctrl-C\n", where);
  fflush(stdout);
  uv_signal_init(loop, &interrupt);
  interrupt.data = uv;
  uv_signal_start(&interrupt, on_interrupt, SIGINT);
  uv_run(loop, UV_RUN_DEFAULT);
  h3edge_server_free(uv_options.server);
  h3edge_memory_register_free(options.claim_register);
  h3edge_credentials_free(options.credentials);
  return uv_loop_close(loop);
}
