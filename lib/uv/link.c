/* SPDX-License-Identifier: MIT */
/* link.c: carries links over TCP or a Unix socket. uv.c hands in the operations; facts go straight to the link.
 *
 * One carrier lives from OPEN until nothing of libuv's points to it any more. Between the failure of a link and its
 * CLOSE, and after CLOSE, `silent` keeps every callback from reporting. A name may have several addresses: they are
 * tried in the resolver's order, each with a handle of its own, because a handle that failed cannot be used again. */
#include "uv/link.h"

#include <h3edge/uv.h>
#include <netdb.h>
#include <stdio.h>

#define PIECES 16 /* of an out-buffer, for one writev */

struct h3edge__uv_link {
  h3edge__uv_links *links;
  h3edge__uv_link *next;
  h3edge__uv_link **self; /* where the list points to this one */
  h3edge_link *link;
  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle;
  uv_getaddrinfo_t resolve;
  uv_connect_t connect;
  uv_write_t write;
  uv_shutdown_t shutdown;
  struct addrinfo *addresses;          /* of the name, freed at the end */
  const struct addrinfo *next_address; /* to be tried when this one fails */
  size_t writing;                      /* bytes that libuv has not written yet */
  unsigned want;
  bool resolving; /* the resolver has not called back */
  bool open;      /* the handle is known to libuv */
  bool connected;
  bool reading;
  bool ended;  /* the other side has sent FIN: there is nothing to read any more */
  bool silent; /* failed, or to be closed: report nothing more */
  bool closing;
};

/* Beginning and end */

static h3edge__uv_link *add(h3edge__uv_links *links, h3edge_link *link) {
  h3edge__uv_link *carrier = h3edge__uv_alloc(links->env, sizeof *carrier);

  if (!carrier) return NULL;
  carrier->links = links;
  carrier->link = link;
  carrier->next = links->first;
  carrier->self = &links->first;
  if (carrier->next) carrier->next->self = &carrier->next;
  links->first = carrier;
  carrier->resolve.data = carrier->connect.data = carrier->write.data = carrier;
  h3edge__uv_hold(links->env);
  return carrier;
}

/* Once it is closing and libuv has let go of it. */
static void end_if_free(h3edge__uv_link *carrier) {
  h3edge__uv_env *env = carrier->links->env;
  h3edge_link *link = carrier->link;

  if (!carrier->closing || carrier->open || carrier->resolving) return;
  *carrier->self = carrier->next;
  if (carrier->next) carrier->next->self = carrier->self;
  uv_freeaddrinfo(carrier->addresses);
  h3edge__uv_free(env, carrier);
  if (link) h3edge_link_closed(link, h3edge_uv_now());
  h3edge__uv_release(env);
}

static void stop_reading(h3edge__uv_link *carrier) {
  uv_read_stop(&carrier->handle.stream);
  carrier->reading = false;
}

static void fail(h3edge__uv_link *carrier, const char *why) {
  if (carrier->silent) return;
  carrier->silent = true;
  if (carrier->reading) stop_reading(carrier);
  h3edge_link_failed(carrier->link, why, h3edge_uv_now());
}

static void on_handle_closed(uv_handle_t *handle) {
  h3edge__uv_link *carrier = handle->data;

  carrier->open = false;
  end_if_free(carrier);
}

static void close_carrier(h3edge__uv_link *carrier) {
  carrier->closing = carrier->silent = true;
  if (carrier->resolving) uv_cancel((uv_req_t *)&carrier->resolve); /* or it is running, and calls back later */
  if (carrier->open && !uv_is_closing(&carrier->handle.any)) uv_close(&carrier->handle.any, on_handle_closed);
  end_if_free(carrier);
}

/* Reading. libuv reads straight into the link's in-buffer. */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  h3edge__uv_link *carrier = handle->data;
  uint8_t *data = NULL;

  (void)suggested;
  out->len = h3edge_link_inbuf(carrier->link, &data);
  out->base = (char *)data;
}

static void on_read(uv_stream_t *stream, ssize_t result, const uv_buf_t *buf) {
  h3edge__uv_link *carrier = stream->data;
  bool no_room = result == UV_ENOBUFS && !buf->len; /* libuv's word for it; the next flush tells what to do */

  if (result > 0) {
    h3edge_link_received(carrier->link, (size_t)result, h3edge_uv_now());
  } else if (result == UV_EOF) {
    stop_reading(carrier);
    carrier->ended = true;
    h3edge_link_received_eof(carrier->link, h3edge_uv_now());
  } else if (result < 0 && !no_room) {
    fail(carrier, uv_strerror((int)result));
  }
}

static void watch_reading(h3edge__uv_link *carrier) {
  bool wanted = (carrier->want & H3EDGE_WANT_READ) && !carrier->ended;
  int error;

  if (wanted == carrier->reading) return;
  if (!wanted) {
    stop_reading(carrier);
    return;
  }
  error = uv_read_start(&carrier->handle.stream, on_room, on_read);
  if (error)
    fail(carrier, uv_strerror(error));
  else
    carrier->reading = true;
}

/* Writing. What the socket does not take at once is left to libuv; the bytes stay where they are. */

static void write_out(h3edge__uv_link *carrier);

static void on_written(uv_write_t *request, int status) {
  h3edge__uv_link *carrier = request->data;
  size_t len = carrier->writing;

  carrier->writing = 0;
  if (carrier->silent) return;
  if (status) {
    fail(carrier, uv_strerror(status));
    return;
  }
  h3edge_link_sent(carrier->link, len, h3edge_uv_now());
  write_out(carrier);
}

/* Leaves out the first `skip` bytes, which are written. */
static int write_later(h3edge__uv_link *carrier, uv_buf_t *bufs, unsigned count, size_t skip) {
  while (skip >= bufs->len) {
    skip -= bufs->len;
    bufs++;
    count--;
  }
  bufs->base += skip;
  bufs->len -= skip;
  return uv_write(&carrier->write, &carrier->handle.stream, bufs, count, on_written);
}

/* Tries the pieces at once. Returns how many bytes were written, or libuv's error. */
static int write_pieces(h3edge__uv_link *carrier, const h3edge_iov *pieces, unsigned count) {
  uv_buf_t bufs[PIECES];
  size_t len = 0;
  unsigned i;
  int written;
  int error;

  for (i = 0; i < count; i++) {
    /* libuv only reads them, but its buffers are not const */
    bufs[i] = (uv_buf_t){.base = (char *)(uintptr_t)pieces[i].data, .len = pieces[i].len};
    len += pieces[i].len;
  }
  written = uv_try_write(&carrier->handle.stream, bufs, count);
  if (written == UV_EAGAIN) written = 0;
  if (written < 0 || (size_t)written == len) return written;
  error = write_later(carrier, bufs, count, (size_t)written);
  if (error) return error;
  carrier->writing = len - (size_t)written;
  return written;
}

static void write_out(h3edge__uv_link *carrier) {
  h3edge_iov pieces[PIECES];
  size_t count;
  int written;

  while (!carrier->silent && !carrier->writing && (count = h3edge_link_outbuf(carrier->link, pieces, PIECES)) > 0) {
    written = write_pieces(carrier, pieces, (unsigned)count);
    if (written < 0)
      fail(carrier, uv_strerror(written));
    else if (written > 0)
      h3edge_link_sent(carrier->link, (size_t)written, h3edge_uv_now());
  }
}

static void update(h3edge__uv_link *carrier) {
  if (!carrier->connected || carrier->silent) return;
  watch_reading(carrier);
  if (carrier->want & H3EDGE_WANT_WRITE) write_out(carrier);
}

/* Connecting */

static void on_connected(uv_connect_t *request, int status);

static void try_address(h3edge__uv_link *carrier, const struct sockaddr *address) {
  int error;

  uv_tcp_init(carrier->links->env->loop, &carrier->handle.tcp);
  carrier->handle.any.data = carrier;
  carrier->open = true;
  uv_tcp_nodelay(&carrier->handle.tcp, 1);
  error = uv_tcp_connect(&carrier->connect, &carrier->handle.tcp, address, on_connected);
  if (error) on_connected(&carrier->connect, error);
}

static void on_attempt_closed(uv_handle_t *handle) {
  h3edge__uv_link *carrier = handle->data;
  const struct addrinfo *address = carrier->next_address;

  carrier->open = false;
  if (carrier->closing) {
    end_if_free(carrier);
    return;
  }
  carrier->next_address = address->ai_next;
  try_address(carrier, address->ai_addr);
}

static void on_connected(uv_connect_t *request, int status) {
  h3edge__uv_link *carrier = request->data;

  if (carrier->silent) return;
  if (status && carrier->next_address) {
    uv_close(&carrier->handle.any, on_attempt_closed);
    return;
  }
  if (status) {
    fail(carrier, uv_strerror(status));
    return;
  }
  carrier->connected = true;
  h3edge_link_connected(carrier->link, h3edge_uv_now());
  update(carrier);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
  h3edge__uv_link *carrier = request->data;

  carrier->resolving = false;
  carrier->addresses = addresses;
  if (carrier->closing) {
    end_if_free(carrier);
    return;
  }
  if (status || !addresses) {
    fail(carrier, uv_strerror(status ? status : UV_EAI_NONAME));
    return;
  }
  carrier->next_address = addresses->ai_next;
  try_address(carrier, addresses->ai_addr);
}

static void connect_host(h3edge__uv_link *carrier, const char *host, uint16_t port) {
  static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  char service[8];
  int error;

  if (!uv_ip4_addr(host, port, &address.v4) || !uv_ip6_addr(host, port, &address.v6)) {
    try_address(carrier, &address.any);
    return;
  }
  snprintf(service, sizeof service, "%u", port);
  error = uv_getaddrinfo(carrier->links->env->loop, &carrier->resolve, on_resolved, host, service, &hints);
  if (error)
    fail(carrier, uv_strerror(error));
  else
    carrier->resolving = true;
}

/* libuv would cut a path that is too long, but the upstream has refused that one long ago. */
static void connect_path(h3edge__uv_link *carrier, const char *path) {
  uv_pipe_init(carrier->links->env->loop, &carrier->handle.pipe, 0);
  carrier->handle.any.data = carrier;
  carrier->open = true;
  uv_pipe_connect(&carrier->connect, &carrier->handle.pipe, path, on_connected);
}

/* Operations */

static void open_link(h3edge__uv_links *links, h3edge_link *link, const h3edge_link_target *target) {
  h3edge__uv_link *carrier = add(links, link);

  h3edge_link_set_user(link, carrier);
  if (!carrier)
    h3edge_link_failed(link, "out of memory", h3edge_uv_now());
  else if (target->path)
    connect_path(carrier, target->path);
  else
    connect_host(carrier, target->host, target->port);
}

/* What the other side makes of it shows when reading. */
static void on_shutdown(uv_shutdown_t *request, int status) {
  (void)request;
  (void)status;
}

/* libuv ends our direction when all that it has is written. */
static void shut_down(h3edge__uv_link *carrier) {
  if (carrier->connected && !carrier->silent) uv_shutdown(&carrier->shutdown, &carrier->handle.stream, on_shutdown);
}

void h3edge__uv_links_do(h3edge__uv_links *links, const h3edge_link_op *op) {
  h3edge__uv_link *carrier;

  if (op->kind == H3EDGE_LINK_OPEN) {
    open_link(links, op->link, op->target);
    return;
  }
  carrier = h3edge_link_user(op->link);
  if (!carrier) { /* there was no memory for it: it has failed, and only CLOSE is left */
    if (op->kind == H3EDGE_LINK_CLOSE) h3edge_link_closed(op->link, h3edge_uv_now());
  } else if (op->kind == H3EDGE_LINK_WATCH) {
    carrier->want = op->want;
    update(carrier);
  } else if (op->kind == H3EDGE_LINK_SHUTDOWN) {
    shut_down(carrier);
  } else {
    close_carrier(carrier);
  }
}

void h3edge__uv_links_abandon(h3edge__uv_links *links) {
  h3edge__uv_link *carrier = links->first;

  while (carrier) {
    h3edge__uv_link *next = carrier->next;

    carrier->link = NULL;
    close_carrier(carrier);
    carrier = next;
  }
}
