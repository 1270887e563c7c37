/* SPDX-License-Identifier: MIT */
/* hello.c: an HTTP/3 server that answers by itself, on the libuv binding.
 *
 *   cc hello.c -o hello $(pkg-config --cflags --libs h3edge-uv) && ./hello
 */
#include <h3edge/h3edge.h>
#include <h3edge/uv.h>
#include <stdio.h>
#include <time.h>

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  h3edge_field type = {h3edge_str_of("content-type"), h3edge_str_of("text/plain"), 0};
  h3edge_str path = h3edge_request_head(request)->path;

  (void)ctx, (void)server;
  if (h3edge_request_respond(request, 200, &type, 1, 0) || h3edge_request_write(request, "hello, ", 7, 0) ||
      h3edge_request_write(request, path.data, path.len, H3EDGE_END))
    h3edge_request_reset(request, H3EDGE_REASON_INTERNAL);
}

static void on_interrupt(uv_signal_t *interrupt, int number) {
  (void)number;
  h3edge_uv_stop((h3edge_uv *)interrupt->data, 3 * H3EDGE_SECOND, NULL, NULL);
  uv_close((uv_handle_t *)interrupt, NULL);
}

int main(void) {
  static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = on_request};
  static const char *const names[] = {"localhost", "127.0.0.1"};
  uv_loop_t *loop = uv_default_loop();
  h3edge_server_options options;
  h3edge_uv_options uv_options;
  const char *why = "no memory";
  h3edge_address address;
  uv_signal_t interrupt;
  h3edge_uv *uv;

  h3edge_server_options_init(&options);
  h3edge_uv_options_init(&uv_options);
  if (h3edge_credentials_new(&options.credentials) ||
      h3edge_credentials_add_self_signed(options.credentials, names, 2, (uint64_t)time(NULL), NULL) ||
      h3edge_server_new(&uv_options.server, &options, &events, NULL) || h3edge_uv_new(&uv, loop, &uv_options) ||
      h3edge_address_parse(&address, "127.0.0.1:4433") || h3edge_uv_listen(uv, &address, NULL, &why)) {
    fprintf(stderr, "hello: %s\n", why);
    return 1;
  }
  puts("hello: https://127.0.0.1:4433/ until Ctrl-C");
  uv_signal_init(loop, &interrupt);
  interrupt.data = uv;
  uv_signal_start(&interrupt, on_interrupt, SIGINT);
  uv_run(loop, UV_RUN_DEFAULT);
  h3edge_server_free(uv_options.server);
  h3edge_credentials_free(options.credentials);
  return uv_loop_close(loop);
}
