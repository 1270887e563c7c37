/* SPDX-License-Identifier: MIT */
/* server.c: an HTTP/3 server without sockets: a datagram goes in, the answer comes out. Good C and good C++. */
#include <h3edge/h3edge.h>
#include <stdio.h>

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  (void)ctx;
  (void)server;
  h3edge_request_reset(request, H3EDGE_REASON_CANCELLED);
}

static h3edge_server_events events;

static h3edge_server *new_server(void) {
  static const char *const names[] = {"localhost"};
  h3edge_server_options options;
  h3edge_server *server = NULL;

  h3edge_sized_init(&events, sizeof events);
  events.on_request = on_request;
  h3edge_server_options_init(&options);
  if (h3edge_credentials_new(&options.credentials)) return NULL;
  if (!h3edge_credentials_add_self_signed(options.credentials, names, 1, 1700000000, NULL))
    h3edge_server_new(&server, &options, &events, NULL);
  h3edge_credentials_free(options.credentials);
  return server;
}

/* The first flight of a QUIC version that nobody speaks: a long header, the version, two connection IDs. */
static int ask(h3edge_server *server, uint8_t *answer, size_t cap) {
  static uint8_t hello[1200] = {0xc0, 0x0a, 0x0a, 0x0a, 0x0a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 7, 6, 5, 4, 3, 2, 1};
  h3edge_path path;
  h3edge_rx rx;
  h3edge_tx tx;

  if (h3edge_address_parse(&path.local, "192.0.2.1:443") || h3edge_address_parse(&path.remote, "192.0.2.2:4433"))
    return -1;
  memset(&rx, 0, sizeof rx);
  rx.path = &path;
  rx.data = hello;
  rx.len = sizeof hello;
  h3edge_server_received(server, &rx, H3EDGE_SECOND);
  return h3edge_server_poll(server, answer, cap, &tx, H3EDGE_SECOND) == 1 ? (int)tx.len : -1;
}

int main(void) {
  static uint8_t answer[H3EDGE_BATCH_MAX];
  h3edge_server *server = new_server();
  int len;

  if (!server || strcmp(h3edge_version(), H3EDGE_VERSION) != 0) return 1;
  len = ask(server, answer, sizeof answer);
  h3edge_server_free(server);
  printf("libh3edge %s answered with %d bytes\n", h3edge_version(), len);
  /* Version Negotiation is a long header with the version 0 (RFC 9000 17.2.1) */
  return len > 7 && (answer[0] & 0x80) && !answer[1] && !answer[2] && !answer[3] && !answer[4] ? 0 : 1;
}
