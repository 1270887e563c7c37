/* SPDX-License-Identifier: MIT */
/* world.h: a gateway between one request, whose carrier is the test, and a real upstream, whose links end in the test
 * as well. Time stands still unless a test moves it. */
#ifndef H3EDGE_TEST_UNIT_GATEWAY_WORLD_H
#define H3EDGE_TEST_UNIT_GATEWAY_WORLD_H

#include <h3edge/gateway.h>

#include "request/request.h"
#include "unit.h"

#define WINDOW 1000 /* of the response */
#define TEXT_MAX 65536

struct world {
  h3edge_ts now;
  h3edge_upstream *upstream;
  h3edge_origin *origin;
  h3edge_gateway *gateway;

  /* The client's side. */
  h3edge_request request;
  h3edge_field fields[8];
  h3edge_path path;
  size_t credit;      /* content that the client may send again */
  char got[TEXT_MAX]; /* content of the response */
  char log[256];      /* the last line */

  /* The origin's side: the link that was opened last. */
  h3edge_link *link;
  bool refuses, ignores; /* new links */
  bool deaf;             /* takes no bytes */
  bool ended;            /* the link was closed by us */
  size_t opened;
  char sent[TEXT_MAX]; /* what came over it */
  size_t sent_len;
};
extern struct world world;

/* What world_start leaves to the test. */
typedef struct world_options {
  h3edge_upstream_options upstream;
  h3edge_gateway_options gateway;
  bool ready; /* the one link is there, and was not used */
  bool used;  /* it was used before */
  bool early; /* the request is early, and its origin accepts such requests */
} world_options;

world_options world_options_new(void);
/* These return 0 or NOMEM. */
int world_start(world_options *options);
int world_start_default(void);
int world_start_used(void);
int world_start_early(void);
/* In the order of the API: server, gateway, upstream. */
void world_end(void);

/* Until nothing more happens by itself. */
void run(void);
void pass_time(h3edge_ts duration);

/* The origin's side */

/* A link that was ignored so far. */
void accept_link(void);
/* Not deaf any more. */
void listen_again(void);
/* As much as is read of it; a paused link leaves the rest. Returns how much that was. */
size_t say(const char *text);
void hang_up(void);
/* What the origin has read since the last call. */
h3edge_str heard(void);

#define DONE "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"
#define TOO_EARLY "HTTP/1.1 425 Too Early\r\nContent-Length: 6\r\n\r\nlater\n"

/* What the origin hears of a request, up to the fields of its framing: ASKED("GET /"). */
#define ASKED(line) ASKED__WITH(line, "")
#define ASKED_EARLY(line) ASKED__WITH(line, "early-data: 1\r\n")
#define ASKED__WITH(line, mark)                                                                                        \
  line " HTTP/1.1\r\nhost: example.org\r\n" mark "via: 3 h3edge\r\nx-forwarded-for: 192.0.2.7\r\n"                     \
       "x-forwarded-proto: https\r\nx-forwarded-host: example.org\r\n"

/* The client's side */

/* The head, which `forward` then sends on its way, and another field of it. */
void head(const char *method, const char *target, uint64_t content_length, bool ended);
void field(const char *name, const char *value);
void forward(void);

/* A request without content. */
void ask(const char *method, const char *target);
void get(const char *target);
/* One for "/" with content, whose end is still to come. 0 or NOMEM, as the other two. */
int upload(const char *method, uint64_t content_length, const char *content);
int send_content(const char *text);
int add_trailer(const char *name, const char *value);
void send_end(void);
/* The handshake is complete. */
void confirm(void);
/* The carrier is done with it. */
void close_request(h3edge_reason reason);
/* The request is over, and another one comes. */
void next_request(void);

/* The client reads what is there, until no more comes. */
const char *drink(void);
/* "name: value" of each field of the response, one after the other. */
const char *fields_of(const h3edge__fields *fields, char text[1024]);
bool is_answered(int status);
bool is_cut(void);
h3edge_gateway_counters counted(void);
/* Whichever allocation failed: in the end the request is answered or reset; with 200, when none did. */
void assert_not_left_hanging(void);

#endif
