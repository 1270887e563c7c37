/* SPDX-License-Identifier: MIT */
/* options.c: the command line, read by argp, which also makes --help, --usage and --version. */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <h3edge/uv.h>
#include <h3edge/version.h>
#include <stdlib.h>

#define DEFAULT_LISTEN "localhost:4433"

const char *argp_program_version = "h3edge-proxy " H3EDGE_VERSION;

enum {
  LISTEN = 0x100,
  WORKERS,
  ORIGIN,
  ROUTE,
  ORIGIN_CA,
  MIN_WARM,
  GRACE,
  TRUST,
  FORWARDED,
  ACCESS_LOG,
  ACCESS_LOG_FORMAT,
  CERT,
  KEY,
  CONGESTION,
  EARLY,
  RULE,
  ANY_ADDRESS,
  SECRET,
  KEYLOG,
  VERBOSE
}; /* above every character: there are no short options */

static const struct argp_option known[] = {
    {.name = "listen",
     .key = LISTEN,
     .arg = "ADDR:PORT",
     .doc = "Serve HTTP/3 on this UDP address, 0.0.0.0:443 or [::]:443 for example; up to 64 times. localhost:PORT is "
            "two of them, 127.0.0.1 and [::1] (" DEFAULT_LISTEN ")"},
    {.name = "workers",
     .key = WORKERS,
     .arg = "COUNT|auto",
     .doc = "Serve with this many threads, auto: one for each processor. A client stays with the same one when its "
            "address changes. Each has connections of its own to the servers (1)"},
    {.name = "origin",
     .key = ORIGIN,
     .arg = "URL",
     .doc = "Send requests there: http://HOST:PORT, https://HOST:PORT or http://unix:/PATH. Once for each server, up "
            "to 32 times; each request goes to the less busy one of two picked at random, and around those that fail"},
    {.name = "route",
     .key = ROUTE,
     .arg = "[AUTHORITY]/PREFIX=URL[,URL...]",
     .doc = "Send requests for this authority (for any, without it) and this path, or what is below it, to other "
            "servers: '/static=http://127.0.0.1:9000' or 'api.example/=http://unix:/run/api.sock'. Routes with an "
            "authority come before those without, then longer paths before shorter ones, wherever they stand; what no "
            "route takes goes to --origin, or gets 404 without it. Up to 64 routes, --origin among them, and up to 32 "
            "servers for each"},
    {.name = "origin-ca",
     .key = ORIGIN_CA,
     .arg = "FILE",
     .doc = "Verify https servers against the authorities in this file, PEM, instead of those that the system trusts"},
    {.name = "min-warm",
     .key = MIN_WARM,
     .arg = "COUNT",
     .doc = "Each worker keeps this many idle connections open to each server, so that a request finds one ready (1)"},
    {.name = "grace",
     .key = GRACE,
     .arg = "SECONDS",
     .doc = "When it is stopped, let requests at hand go on for at most this long (5)"},
    {.name = "trust",
     .key = TRUST,
     .arg = "ADDRESS[/BITS]",
     .doc = "Believe the X-Forwarded-* (or Forwarded) fields that come from there, and add to them, because it is a "
            "proxy of yours: 10.0.0.0/8 or 2001:db8::7. Those of everybody else are replaced. Up to 64 times"},
    {.name = "forwarded",
     .key = FORWARDED,
     .doc = "Tell the application about the client with Forwarded (RFC 7239), not with X-Forwarded-*"},
    {.name = "access-log",
     .key = ACCESS_LOG,
     .arg = "FILE|-",
     .doc = "Add one line to FILE for each request that is over; - is standard output. SIGHUP opens FILE again"},
    {.name = "access-log-format",
     .key = ACCESS_LOG_FORMAT,
     .arg = "text|json",
     .doc = "text: the combined log, and key=value behind it; json: one object per line (text)"},
    {.name = "cert",
     .key = CERT,
     .arg = "FILE",
     .doc = "Certificate chain, PEM. Without it one for localhost is made, which browsers do not trust"},
    {.name = "key", .key = KEY, .arg = "FILE", .doc = "Its private key, PEM"},
    {.name = "congestion",
     .key = CONGESTION,
     .arg = "NAME",
     .doc = "What keeps to the speed of the path: cubic, or bbr, which yields less to loss (cubic)"},
    {.name = "early-data",
     .key = EARLY,
     .arg = "MODE",
     .doc = "What is done with requests that returning clients send in their first packets (0-RTT), which anybody who "
            "recorded them may send again. off: refuse them; hold: every one waits for the handshake; strict, safe, "
            "idempotent: send some of them on at once, the others wait. See below (hold)"},
    {.name = "early-rule",
     .key = RULE,
     .arg = "'METHOD [HOST]/PATH VERDICT'",
     .doc = "Decide before the mode does, as 'GET api.example/report hold' or '* /static allow': allow, hold, or "
            "reject with 425. The path stands for all that is below it; the first rule that fits decides; up to 256 "
            "of them"},
    {.name = "early-any-address",
     .key = ANY_ADDRESS,
     .doc = "Send requests on early also for clients that have not proved their address, which may be forged then "
            "(libcurl never proves it)"},
    {.name = "secret-file",
     .key = SECRET,
     .arg = "FILE",
     .doc = "Derive all keys from its first 32 bytes, made with 'head -c 32 /dev/urandom': proofs of address then stay "
            "good over restarts and on other machines. Tickets for early data do not, because what was seen is "
            "remembered in this process. Without it the secret is random"},
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

static void read_congestion(proxy_options *o, const char *text, struct argp_state *state) {
  const bool is_bbr = strcmp(text, "bbr") == 0;

  if (!is_bbr && strcmp(text, "cubic") != 0) argp_error(state, "--congestion is neither cubic nor bbr: '%s'", text);
  o->congestion = is_bbr ? H3EDGE_BBR : H3EDGE_CUBIC;
}

static void read_route(proxy_options *o, const char *text, struct argp_state *state) {
  const char *why = routes_add(&o->routes, text);

  if (why) argp_error(state, "--route '%s': %s", text, why);
}

static void read_origin(proxy_options *o, const char *url, struct argp_state *state) {
  const char *why = routes_add_default(&o->routes, url);

  if (why) argp_error(state, "--origin '%s': %s", url, why);
}

/* Decimal digits and nothing else. */
static bool read_number(unsigned long *out, const char *text, unsigned long max) {
  char *end = NULL;

  errno = 0;
  *out = strtoul(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' && !errno && *out <= max;
}

static void read_workers(proxy_options *o, const char *text, struct argp_state *state) {
  unsigned long count = uv_available_parallelism();

  if (strcmp(text, "auto") == 0)
    count = count < H3EDGE_UV_WORKERS_MAX ? count : H3EDGE_UV_WORKERS_MAX;
  else if (!read_number(&count, text, H3EDGE_UV_WORKERS_MAX) || !count)
    argp_error(state, "--workers is auto or a number of threads from 1 to %d: '%s' is neither", H3EDGE_UV_WORKERS_MAX,
               text);
  o->workers = count;
}

static void read_min_warm(proxy_options *o, const char *text, struct argp_state *state) {
  unsigned long count;

  if (!read_number(&count, text, WARM_MAX))
    argp_error(state, "--min-warm is a number of connections from 0 to %d: '%s' is none", WARM_MAX, text);
  o->min_warm = count;
}

static void read_grace(proxy_options *o, const char *text, struct argp_state *state) {
  unsigned long seconds;

  if (!read_number(&seconds, text, GRACE_MAX))
    argp_error(state, "--grace is a number of seconds from 0 to %d: '%s' is none", GRACE_MAX, text);
  o->grace = seconds * H3EDGE_SECOND;
}

static bool read_prefix(h3edge_prefix *out, const char *text) {
  size_t len = strcspn(text, "/");
  bool is_v6 = memchr(text, ':', len) != NULL;
  char address[H3EDGE_ADDRESS_TEXT];
  unsigned long bits, most;

  /* Addresses are read with a port. */
  if (snprintf(address, sizeof address, is_v6 ? "[%.*s]:0" : "%.*s:0", (int)len, text) >= (int)sizeof address)
    return false;
  if (h3edge_address_parse(&out->address, address)) return false;
  most = bits = out->address.as.any.sa_family == AF_INET ? 32 : 128;
  if (text[len] && !read_number(&bits, text + len + 1, most)) return false;
  out->bits = (unsigned)bits;
  return true;
}

static void read_trust(proxy_options *o, const char *text, struct argp_state *state) {
  if (o->trusted_count == TRUST_MAX) argp_error(state, "--trust is given more than %d times", TRUST_MAX);
  if (!read_prefix(&o->trusted[o->trusted_count++], text))
    argp_error(state, "--trust '%s' is neither an address nor ADDRESS/BITS: 192.0.2.7, 10.0.0.0/8, 2001:db8::/32",
               text);
}

static void read_format(proxy_options *o, const char *text, struct argp_state *state) {
  if (strcmp(text, "text") == 0)
    o->access_line = access_line_text;
  else if (strcmp(text, "json") == 0)
    o->access_line = access_line_json;
  else
    argp_error(state, "--access-log-format is neither text nor json: '%s'", text);
}

static void read_early(proxy_options *o, const char *text, struct argp_state *state) {
  static const struct {
    const char *name;
    early_mode mode;
  } modes[] = {
      {"off", EARLY_OFF},
      {"hold", EARLY_HOLD},
      {"strict", EARLY_STRICT},
      {"safe", EARLY_SAFE},
      {"idempotent", EARLY_IDEMPOTENT},
  };
  size_t i;

  for (i = 0; i < sizeof modes / sizeof *modes; i++) {
    o->early = modes[i].mode;
    if (strcmp(text, modes[i].name) == 0) return;
  }
  argp_error(state, "--early-data is none of off, hold, strict, safe and idempotent: '%s'", text);
}

/* What the rules up to now say to a request that is just what the next one describes: when they decide about that, they
 * decide about everything that it fits. */
static bool is_decided(const proxy_options *o, const h3edge_rule *next) {
  const h3edge_head head = {
      .struct_size = sizeof head, .method = next->method, .authority = next->authority, .path = next->path};
  h3edge_rules rules;

  h3edge_classifier_rules_init(&rules, o->rules, o->rule_count);
  return h3edge_classifier_ask(&rules.base, &head, NULL) != H3EDGE_ABSTAIN;
}

static void read_rule(proxy_options *o, const char *text, struct argp_state *state) {
  const char *why = NULL;
  h3edge_rule rule;

  if (o->rule_count == RULE_MAX) argp_error(state, "more than %d rules", RULE_MAX);
  if (h3edge_rule_parse(&rule, text, &why)) argp_error(state, "--early-rule '%s': %s", text, why);
  if (is_decided(o, &rule)) argp_error(state, "--early-rule '%s' never decides: a rule in front of it does", text);
  o->rules[o->rule_count++] = rule;
}

static void check(proxy_options *o, struct argp_state *state) {
  if (!o->routes.count)
    argp_error(state, "--origin or --route is needed: where requests go, such as --origin http://127.0.0.1:8000");
  if (o->access_line && !o->access_log) argp_error(state, "--access-log-format needs --access-log");
  if (!o->cert != !o->key) argp_error(state, "%s", o->cert ? "--cert needs --key" : "--key needs --cert");
  if (o->early == EARLY_OFF && (o->rule_count || o->early_any_address))
    argp_error(state, "%s means nothing with --early-data off", o->rule_count ? "--early-rule" : "--early-any-address");
  if (!o->access_line) o->access_line = access_line_text;
  if (!o->listen_count) read_listen(o, DEFAULT_LISTEN, state);
}

/* What is more than a text or a flag. False: `key` is something else. */
static bool read_value(proxy_options *o, int key, const char *text, struct argp_state *state) {
  static const struct {
    int key;
    void (*read)(proxy_options *o, const char *text, struct argp_state *state);
  } readers[] = {
      {LISTEN, read_listen},         {WORKERS, read_workers}, {ORIGIN, read_origin}, {ROUTE, read_route},
      {MIN_WARM, read_min_warm},     {GRACE, read_grace},     {TRUST, read_trust},   {ACCESS_LOG_FORMAT, read_format},
      {CONGESTION, read_congestion}, {EARLY, read_early},     {RULE, read_rule},
  };
  size_t i;

  for (i = 0; i < sizeof readers / sizeof *readers; i++)
    if (readers[i].key == key) {
      readers[i].read(o, text, state);
      return true;
    }
  return false;
}

static error_t on_option(int key, char *arg, struct argp_state *state) {
  proxy_options *o = state->input;

  if (read_value(o, key, arg, state)) return 0;
  switch (key) {
  case ORIGIN_CA:
    o->origin_ca = arg;
    return 0;
  case FORWARDED:
    o->forwarded = true;
    return 0;
  case ACCESS_LOG:
    o->access_log = arg;
    return 0;
  case CERT:
    o->cert = arg;
    return 0;
  case KEY:
    o->key = arg;
    return 0;
  case ANY_ADDRESS:
    o->early_any_address = true;
    return 0;
  case SECRET:
    o->secret_file = arg;
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
             "SIGTERM and SIGINT stop it: requests at hand get the grace, a second signal stops at once. SIGUSR1 "
             "prints all counters. SIGHUP opens the access log again; without --access-log it stops the proxy too.\n\n"
             "Modes of --early-data that send requests on before the handshake:\n"
             "  strict      GET, HEAD and OPTIONS without query, cookie and authorization\n"
             "  safe        methods that only read: GET, HEAD, OPTIONS\n"
             "  idempotent  also PUT and DELETE\n"
             "and always without content. To set one of them, or a rule that allows, is your word that such requests "
             "bear being repeated by a stranger, and that the application understands the field Early-Data: 1, which "
             "they carry, and answers 425 to those that it cannot take early (RFC 8470). --verbose logs each decision.",
  };

  memset(out, 0, sizeof *out);
  out->workers = 1;
  out->min_warm = 1;
  out->grace = 5 * H3EDGE_SECOND;
  argp_err_exit_status = EXIT_USAGE;
  argp_parse(&parser, argc, argv, 0, NULL, out);
}
