/* SPDX-License-Identifier: MIT */
/* options.c: the command line, read by argp, which also makes --help and --usage. */
#include "options.h"

#include <argp.h>
#include <arpa/inet.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/number.h"
#include "util/target.h"

#define DEFAULT_PORT "443"
#define SECONDS_MAX 1e6

enum {
  CONNECT = 0x100,
  CONNECTIONS,
  STREAMS,
  REQUESTS,
  DURATION,
  WARM_UP,
  CONNECT_EACH,
  RESUME,
  EARLY,
  SESSION_FILE,
  TOKEN_FILE,
  STAY,
  IDLE,
  UPLOAD,
  FIELD,
  EXPECT_BYTES,
  CA,
  TIMEOUT,
  OPENING,
  CPU,
  JSON,
  MARKS
}; /* above every character: there are no short options */

static const struct argp_option known[] = {
    {.name = "connect", .key = CONNECT, .arg = "ADDR:PORT", .doc = "Where the server is, whatever the URL's host says"},
    {.name = "connections", .key = CONNECTIONS, .arg = "COUNT", .doc = "Connections at a time (1)"},
    {.name = "streams", .key = STREAMS, .arg = "COUNT", .doc = "Requests at a time on each connection (1)"},
    {.name = "requests", .key = REQUESTS, .arg = "COUNT", .doc = "End after so many requests (1 without --duration)"},
    {.name = "duration", .key = DURATION, .arg = "SECONDS", .doc = "End after this time"},
    {.name = "warm-up",
     .key = WARM_UP,
     .arg = "COUNT|SECONDSs",
     .doc = "Before anything is measured make so many requests, as 1000, or make them for so long, as 2s"},
    {.name = "connect-each",
     .key = CONNECT_EACH,
     .doc =
         "Each connection makes --streams requests at once and is closed after the last answer; another one follows. "
         "Times then begin with the first packet"},
    {.name = "resume",
     .key = RESUME,
     .doc = "With --connect-each: keep session ticket and address token of earlier connections. Each of those that are "
            "open at a time makes one visit first that is not measured, unless files bring the ticket"},
    {.name = "early", .key = EARLY, .doc = "With --resume: send the requests in the first packets (0-RTT)"},
    {.name = "stay",
     .key = STAY,
     .arg = "SECONDS",
     .doc = "With --resume: that first visit lasts so much longer than its answer, so that the server can learn about "
            "the path"},
    {.name = "session-file",
     .key = SESSION_FILE,
     .arg = "FILE",
     .doc = "With --resume: begin with the ticket in FILE if there is one, and leave the newest there"},
    {.name = "token-file", .key = TOKEN_FILE, .arg = "FILE", .doc = "The same for the address token"},
    {.name = "idle",
     .key = IDLE,
     .arg = "SECONDS",
     .doc = "Make one request on each connection, then keep all of them open for this time (PING every 10 s), or until "
            "the server has closed the last"},
    {.name = "upload", .key = UPLOAD, .arg = "BYTES", .doc = "POST so much content with each request"},
    {.name = "field",
     .key = FIELD,
     .arg = "'NAME: VALUE'",
     .doc = "Add this field to each request; as often as wanted"},
    {.name = "expect-bytes", .key = EXPECT_BYTES, .arg = "BYTES", .doc = "Other lengths of content are errors"},
    {.name = "ca",
     .key = CA,
     .arg = "FILE",
     .doc = "Verify the certificate with those in FILE (PEM). Without it the "
            "certificate is not verified"},
    {.name = "timeout",
     .key = TIMEOUT,
     .arg = "SECONDS",
     .doc = "A connection is lost when nothing comes for so long; the handshake must be complete by then (10)"},
    {.name = "opening", .key = OPENING, .arg = "COUNT", .doc = "Handshakes at a time, at most (64)"},
    {.name = "cpu", .key = CPU, .arg = "NUMBER", .doc = "Run on this processor only"},
    {.name = "json", .key = JSON, .doc = "Print one JSON object"},
    {.name = "marks",
     .key = MARKS,
     .doc =
         "Print a line to standard error when measuring begins (measuring), when it is over (measured), and when all "
         "connections are idle (idle), for somebody who watches the server"},
    {0},
};

static uint64_t read_count(const char *text, uint64_t least, const char *option, struct argp_state *state) {
  uint64_t number = 0;

  if (!h3edge__number(h3edge_str_of(text), UINT64_MAX - 1, &number) || number < least)
    argp_error(state, "%s is a number%s: '%s'", option, least ? " above 0" : "", text);
  return number;
}

static size_t read_few(const char *text, const char *option, struct argp_state *state) {
  uint64_t number = read_count(text, 1, option, state);

  if (number > 1000000) argp_error(state, "%s is at most 1000000: '%s'", option, text);
  return (size_t)number;
}

/* `end` is what may follow the number. */
static h3edge_ts read_seconds(const char *text, const char *end, const char *option, struct argp_state *state) {
  char *rest;
  double seconds = strtod(text, &rest);

  if (rest == text || strcmp(rest, end) != 0 || !isfinite(seconds) || seconds <= 0 || seconds > SECONDS_MAX)
    argp_error(state, "%s is a number of seconds above 0%s: '%s'", option, *end ? ", as 2s" : "", text);
  return (h3edge_ts)(seconds * (double)H3EDGE_SECOND);
}

static void read_warm_up(load_options *o, const char *text, struct argp_state *state) {
  if (strchr(text, 's'))
    o->warm_up_time = read_seconds(text, "s", "--warm-up", state);
  else
    o->warm_up_requests = read_count(text, 0, "--warm-up", state);
}

static void read_cpu(load_options *o, const char *text, struct argp_state *state) {
  uint64_t number = read_count(text, 0, "--cpu", state);

  if (number > 1023) argp_error(state, "--cpu is at most 1023: '%s'", text);
  o->cpu = (int)number;
}

/* HTTP/3 knows lower case only (RFC 9114 4.2), and says what it knows better itself. */
static void read_field(load_options *o, char *text, struct argp_state *state) {
  char *colon = strchr(text, ':');
  char *value = colon ? colon + 1 + strspn(colon + 1, " ") : NULL;
  char *at;

  if (!colon || colon == text) argp_error(state, "'%s' is no field: write 'name: value'", text);
  if (o->field_count == FIELDS_MAX) argp_error(state, "more than %d fields", FIELDS_MAX);
  for (at = text; at < colon; at++)
    if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
  *colon = '\0';
  o->fields[o->field_count++] = (load_field){text, value};
}

static void add_path(load_options *o, const char *path, struct argp_state *state) {
  if (!h3edge__is_path(h3edge_str_of(path))) argp_error(state, "'%s' is no path: it begins with /", path);
  if (o->path_count == PATHS_MAX) argp_error(state, "more than %d paths", PATHS_MAX);
  o->paths[o->path_count++] = path;
}

static void read_url(load_options *o, const char *url, struct argp_state *state) {
  static const char scheme[] = "https://";
  const char *text = url + sizeof scheme - 1;
  h3edge_str authority, host;
  struct in_addr v4;
  int32_t port;
  size_t skip; /* the brackets around an IPv6 address */

  if (strncmp(url, scheme, sizeof scheme - 1) != 0) argp_error(state, "'%s' does not begin with https://", url);
  authority = (h3edge_str){text, strcspn(text, "/")};
  if (authority.len > NAME_MAX_LEN || !h3edge__authority_split(authority, &host, &port))
    argp_error(state, "'%s' names no host", url);
  skip = *host.data == '[';
  memcpy(o->authority, authority.data, authority.len);
  memcpy(o->host, host.data + skip, host.len - 2 * skip);
  o->host_is_address = skip || inet_pton(AF_INET, o->host, &v4) == 1;
  add_path(o, text[authority.len] ? text + authority.len : "/", state);
}

static void read_argument(load_options *o, const char *text, struct argp_state *state) {
  if (o->path_count)
    add_path(o, text, state);
  else
    read_url(o, text, state);
}

static void resolve(load_options *o, struct argp_state *state) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
  const char *colon = strrchr(o->authority, ':');
  const char *port = colon && !strchr(colon, ']') ? colon + 1 : DEFAULT_PORT;
  int error;

  if (o->server.len) return;
  error = getaddrinfo(o->host, port, &hints, &found);
  if (error) argp_error(state, "cannot find %s: %s", o->host, gai_strerror(error));
  if (h3edge_address_set(&o->server, found->ai_addr, found->ai_addrlen))
    argp_error(state, "the address of %s is neither IPv4 nor IPv6", o->host);
  freeaddrinfo(found);
}

static void check(load_options *o, struct argp_state *state) {
  bool has_end = o->requests != UINT64_MAX || o->duration != H3EDGE_NEVER;

  if (!o->path_count) argp_error(state, "a URL is needed, such as https://localhost:4433/");
  if (o->resume && !o->connect_each) argp_error(state, "--resume needs --connect-each");
  if (o->early && !o->resume) argp_error(state, "--early needs --resume");
  if (o->stay && !o->resume) argp_error(state, "--stay needs --resume");
  if (o->session_file && !o->resume) argp_error(state, "--session-file needs --resume");
  if (o->token_file && !o->resume) argp_error(state, "--token-file needs --resume");
  if (o->idle && (has_end || o->connect_each || o->warm_up_requests || o->warm_up_time))
    argp_error(state, "--idle goes with none of --requests, --duration, --warm-up and --connect-each");
  if (o->warm_up_requests && o->warm_up_time) argp_error(state, "--warm-up is given twice");
  if (o->idle)
    o->requests = o->connections;
  else if (!has_end)
    o->requests = 1;
  resolve(o, state);
}

/* Options that are a number or a word of their own. */
static bool on_amount(load_options *o, int key, const char *arg, struct argp_state *state) {
  switch (key) {
  case CONNECTIONS:
    o->connections = read_few(arg, "--connections", state);
    return true;
  case STREAMS:
    o->streams = read_few(arg, "--streams", state);
    return true;
  case REQUESTS:
    o->requests = read_count(arg, 1, "--requests", state);
    return true;
  case DURATION:
    o->duration = read_seconds(arg, "", "--duration", state);
    return true;
  case WARM_UP:
    read_warm_up(o, arg, state);
    return true;
  case STAY:
    o->stay = read_seconds(arg, "", "--stay", state);
    return true;
  case IDLE:
    o->idle = read_seconds(arg, "", "--idle", state);
    return true;
  case UPLOAD:
    o->upload = read_count(arg, 1, "--upload", state);
    return true;
  case EXPECT_BYTES:
    o->expected = read_count(arg, 0, "--expect-bytes", state);
    return true;
  case TIMEOUT:
    o->timeout = read_seconds(arg, "", "--timeout", state);
    return true;
  case OPENING:
    o->opening = read_few(arg, "--opening", state);
    return true;
  case CPU:
    read_cpu(o, arg, state);
    return true;
  default:
    return false;
  }
}

static error_t on_option(int key, char *arg, struct argp_state *state) {
  load_options *o = state->input;

  if (on_amount(o, key, arg, state)) return 0;
  switch (key) {
  case CONNECT:
    if (h3edge_address_parse(&o->server, arg))
      argp_error(state, "'%s' is no address: write 127.0.0.1:4433 or [::1]:4433", arg);
    return 0;
  case CONNECT_EACH:
    o->connect_each = true;
    return 0;
  case RESUME:
    o->resume = true;
    return 0;
  case EARLY:
    o->early = true;
    return 0;
  case SESSION_FILE:
    o->session_file = arg;
    return 0;
  case TOKEN_FILE:
    o->token_file = arg;
    return 0;
  case FIELD:
    read_field(o, arg, state);
    return 0;
  case CA:
    o->ca = arg;
    return 0;
  case JSON:
    o->json = true;
    return 0;
  case MARKS:
    o->marks = true;
    return 0;
  case ARGP_KEY_ARG:
    read_argument(o, arg, state);
    return 0;
  case ARGP_KEY_END:
    check(o, state);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

void options_read(load_options *out, int argc, char **argv) {
  static const struct argp parser = {
      .options = known,
      .parser = on_option,
      .args_doc = "https://HOST[:PORT]/PATH [/PATH...]",
      .doc = "Loads an HTTP/3 server with requests, and says how long the answers take.\v"
             "An answer has ended when all of its content is there. It counts as an error when its status is neither "
             "2xx nor 3xx. Several paths are asked for in turn.\n\n"
             "Without --connect-each all connections are opened before the first request.\n\n"
             "The status is 0 when every request was answered well, else 1; 2 for mistakes on the command line. SIGINT "
             "and SIGTERM end it early: it prints what it has.",
  };

  *out = (load_options){.connections = 1,
                        .streams = 1,
                        .requests = UINT64_MAX,
                        .duration = H3EDGE_NEVER,
                        .timeout = 10 * H3EDGE_SECOND,
                        .opening = 64,
                        .expected = UINT64_MAX,
                        .cpu = -1};
  argp_err_exit_status = EXIT_USAGE;
  argp_parse(&parser, argc, argv, 0, NULL, out);
}
