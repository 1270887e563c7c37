/* SPDX-License-Identifier: MIT */
/* loop.c: a proxy on a libuv loop that listens, stops, and leaves nothing behind. Good C and good C++. */
#include <h3edge/h3edge.h>
#include <h3edge/uv.h>
#include <stdio.h>

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  (void)server;
  h3edge_gateway_forward((h3edge_gateway *)ctx, request);
}

static h3edge_server_events events;

static void on_stopped(void *ctx) {
  *(bool *)ctx = true;
}

static int serve(h3edge_server *server, h3edge_upstream *upstream) {
  h3edge_uv_options options;
  h3edge_address address;
  bool stopped = false;
  uv_loop_t loop;
  h3edge_uv *uv;

  h3edge_uv_options_init(&options);
  options.server = server;
  options.upstream = upstream;
  if (uv_loop_init(&loop) || h3edge_uv_new(&uv, &loop, &options)) return 1;
  if (h3edge_address_parse(&address, "127.0.0.1:0") || h3edge_uv_listen(uv, &address, &address, NULL)) return 1;
  printf("listening on port %u\n", (unsigned)ntohs(address.as.v4.sin_port));
  h3edge_uv_stop(uv, H3EDGE_SECOND, on_stopped, &stopped);
  uv_run(&loop, UV_RUN_DEFAULT);
  return uv_loop_close(&loop) || !stopped;
}

int main(void) {
  static const char *const names[] = {"localhost"};
  h3edge_server_options options;
  h3edge_gateway_options gateway_options;
  h3edge_upstream *upstream;
  h3edge_gateway *gateway;
  h3edge_server *server;
  int status;

  h3edge_sized_init(&events, sizeof events);
  events.on_request = on_request;
  h3edge_server_options_init(&options);
  h3edge_gateway_options_init(&gateway_options);
  if (h3edge_upstream_new(&upstream, NULL) ||
      h3edge_upstream_add_origin(upstream, "http://127.0.0.1:8000", &gateway_options.origin, NULL))
    return 1;
  gateway_options.upstream = upstream;
  if (h3edge_gateway_new(&gateway, &gateway_options) || h3edge_credentials_new(&options.credentials) ||
      h3edge_credentials_add_self_signed(options.credentials, names, 1, 1700000000, NULL) ||
      h3edge_server_new(&server, &options, &events, gateway))
    return 1;
  status = serve(server, upstream);
  h3edge_server_free(server);
  h3edge_gateway_free(gateway);
  h3edge_upstream_free(upstream);
  h3edge_credentials_free(options.credentials);
  return status;
}
