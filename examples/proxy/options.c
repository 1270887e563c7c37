/* SPDX-License-Identifier: MIT */
/* options.c: the command line, read by argp, which also makes --help, --usage and --version. */
#include "options.h"

#include <argp.h>
#include <h3edge/version.h>

#define DEFAULT_LISTEN "localhost:4433"

const char *argp_program_version = "h3edge-proxy " H3EDGE_VERSION;

enum { LISTEN = 0x100, ORIGIN, CERT, KEY, KEYLOG, VERBOSE }; /* above every character: there are no short options */

static const struct argp_option known[] = {
    {.name = "listen",
     .key = LISTEN,
     .arg = "ADDR:PORT",
     .doc = "Serve HTTP/3 on this UDP address, 0.0.0.0:443 or [::]:443 for example; as often as wanted. localhost:PORT "
            "is both 127.0.0.1 and [::1] (" DEFAULT_LISTEN ")"},
    {.name = "origin",
     .key = ORIGIN,
     .arg = "URL",
     .doc = "Send requests there: http://HOST:PORT or http://unix:/PATH. Needed"},
    {.name = "cert",
     .key = CERT,
     .arg = "FILE",
     .doc = "Certificate chain, PEM. Without it one for localhost is made, which browsers do not trust"},
    {.name = "key", .key = KEY, .arg = "FILE", .doc = "Its private key, PEM"},
    {.name = "keylog",
     .key = KEYLOG,
     .arg = "FILE",
     .doc = "Add the secrets of every connection to FILE, for Wireshark: whoever reads it can decrypt everything"},
    {.name = "verbose", .key = VERBOSE, .doc = "Log every connection and request, not only what goes wrong"},
    {0},
};

static void add_listen(proxy_options *o, const char *text, bool optional, struct argp_state *state) {
  listen_address *next = &o->listen[o->listen_count];

  if (o->listen_count == LISTEN_MAX) argp_error(state, "more than %d addresses to listen on", LISTEN_MAX);
  if (h3edge_address_parse(&next->address, text))
    argp_error(state, "'%s' is no address to listen on: write 127.0.0.1:4433, [::1]:4433 or localhost:4433", text);
  next->optional = optional;
  o->listen_count++;
}

/* localhost means the loopback addresses of both families, whatever a resolver says (RFC 6761 6.3). */
static void read_listen(proxy_options *o, const char *text, struct argp_state *state) {
  static const char name[] = "localhost:";
  char v4[H3EDGE_ADDRESS_TEXT];
  char v6[H3EDGE_ADDRESS_TEXT];

  if (strncmp(text, name, sizeof name - 1) != 0) {
    add_listen(o, text, false, state);
    return;
  }
  snprintf(v4, sizeof v4, "127.0.0.1:%s", text + sizeof name - 1);
  snprintf(v6, sizeof v6, "[::1]:%s", text + sizeof name - 1);
  add_listen(o, v4, false, state);
  add_listen(o, v6, true, state);
}

static void check(proxy_options *o, struct argp_state *state) {
  if (!o->origin) argp_error(state, "--origin is needed: where requests go, such as http://127.0.0.1:8000");
  if (!o->cert != !o->key) argp_error(state, "%s", o->cert ? "--cert needs --key" : "--key needs --cert");
  if (!o->listen_count) read_listen(o, DEFAULT_LISTEN, state);
}

static error_t on_option(int key, char *arg, struct argp_state *state) {
  proxy_options *o = state->input;

  switch (key) {
  case LISTEN:
    read_listen(o, arg, state);
    return 0;
  case ORIGIN:
    if (o->origin) argp_error(state, "--origin is given twice");
    o->origin = arg;
    return 0;
  case CERT:
    o->cert = arg;
    return 0;
  case KEY:
    o->key = arg;
    return 0;
  case KEYLOG:
    o->keylog = arg;
    return 0;
  case VERBOSE:
    o->verbose = true;
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "'%s' belongs to no option", arg);
    return 0;
  case ARGP_KEY_END:
    check(o, state);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

void options_read(proxy_options *out, int argc, char **argv) {
  static const struct argp parser = {
      .options = known,
      .parser = on_option,
      .doc = "Ends HTTP/3 and sends the requests on to an HTTP/1.1 application.\v"
             "SIGTERM and SIGINT stop it: requests at hand get 5 seconds, a second signal stops at once. SIGUSR1 "
             "prints all counters.",
  };

  memset(out, 0, sizeof *out);
  argp_err_exit_status = EXIT_USAGE;
  argp_parse(&parser, argc, argv, 0, NULL, out);
}
