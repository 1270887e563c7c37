/* SPDX-License-Identifier: MIT */
/* datagrams.c: a live edge in the simulator, with real keys, and clients whose packets carry whatever the input says:
 * frames in place of their own (encrypted properly), bytes on streams, datagrams that were said before with some bytes
 * changed, and datagrams from nowhere; in between, time passes. Whatever came, the edge keeps its bounds of memory, its
 * origin gets perfect HTTP/1.1, a new client is served in the end, and nothing is left behind. */
#include "fuzz.h"
#include "guard.h"
#include "sim.h"

enum { OPERATIONS_MAX = 40, CLIENTS_MAX = 4, MEMORY_MAX = 16 * 1024 * 1024 };
enum { DATAGRAM_MAX = 1472, FRAMES_MAX = 1000 };

enum {
  FORGE,    /* frames in a packet */
  NOWHERE,  /* a datagram of these bytes */
  CHANGE,   /* one that was sent before, with bytes changed */
  WAIT,     /* for some time */
  ASK,      /* an honest request */
  RAW,      /* bytes on a request stream */
  RAW_UNI,  /* bytes on a unidirectional stream */
  CONNECT,  /* one client more */
  MOVE,     /* the client's address or keys change */
  WEATHER,  /* the network loses some of what is sent */
  TAKE_BACK /* a request, or the whole connection */
};

static client *clients[CLIENTS_MAX];
static size_t client_count;

/* A claim of the simulator that does not hold ends a child there; here libFuzzer has to see it. */
_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap__exit(int status) {
  (void)status;
  abort();
}

static h3edge_str take_bytes(fuzz_input *in) {
  size_t len = fuzz_byte(in);

  return fuzz_take(in, len | (size_t)fuzz_byte(in) << 8);
}

static void connect_client(void) {
  const bool comes_back = client_count && clients[client_count - 1]->token_len;

  if (client_count == CLIENTS_MAX) return;
  clients[client_count] = CLIENT(.frail = true, .token_of = comes_back ? clients[client_count - 1] : NULL);
  client_count++;
}

/* The packet is made as large as the frames need by a request with content; the request itself may get lost. */
static void forge(client *c, fuzz_input *in) {
  static uint8_t frames[FRAMES_MAX];
  h3edge_str bytes = take_bytes(in);
  size_t len = bytes.len < sizeof frames ? bytes.len : sizeof frames;

  if (len) memcpy(frames, bytes.data, len);
  client_forge(frames, len);
  if (!c->over) FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 3000);
  sim_run(30 * H3EDGE_MILLISECOND);
  client_forge(NULL, 0);
}

static void send_from(const h3edge_address *from, const uint8_t *data, size_t len) {
  h3edge_address to = network_address("198.51.100.1:443");

  if (len) network_send(from, &to, data, len, 0);
}

static void from_nowhere(fuzz_input *in) {
  static uint8_t data[DATAGRAM_MAX];
  h3edge_address from = network_address("203.0.113.66:666");
  bool whole = fuzz_byte(in) & 1; /* as large as a first one must be */
  h3edge_str bytes = take_bytes(in);
  size_t len = bytes.len < sizeof data ? bytes.len : sizeof data;

  memset(data, 0, sizeof data);
  if (len) memcpy(data, bytes.data, len);
  send_from(&from, data, whole && len < 1200 ? 1200 : len);
}

/* Pairs of a place and what is turned over there. */
static void change(fuzz_input *in) {
  static uint8_t data[DATAGRAM_MAX];
  h3edge_address other = network_address("203.0.113.66:666");
  uint8_t which = fuzz_byte(in), cut = fuzz_byte(in);
  h3edge_str pairs = take_bytes(in);
  const datagram *d;
  size_t i, len;

  if (!network.recorded_count) return;
  d = network.recorded[network.recorded_count - 1 - which % network.recorded_count];
  len = d->len < sizeof data ? d->len : sizeof data;
  memcpy(data, d->data, len);
  for (i = 0; i + 1 < pairs.len; i += 2) data[(uint8_t)pairs.data[i] % len] ^= (uint8_t)pairs.data[i + 1];
  if (cut < 128 && cut < len) len -= cut;
  send_from(cut & 1 ? &other : &d->from, data, len);
}

static void move(client *c, uint8_t how) {
  static const char *const addresses[] = {"192.0.2.77:7001", "192.0.2.78:7002", "192.0.2.79:7003"};

  if (c->over || !c->confirmed) return;
  if (how % 4 == 3)
    client_update_keys(c);
  else
    client_migrate(c, addresses[how % 4], how & 128);
}

static void take_back(client *c, uint8_t how) {
  fetch *f = c->fetch_count ? c->fetches[how / 4 % c->fetch_count] : NULL;

  if (how % 4 == 3)
    client_close(c);
  else if (f && !f->over && f->id >= 0)
    how % 4 ? fetch_stop(f, 0x10c) : fetch_reset(f, 0x10c);
}

static void ask(client *c, uint8_t what) {
  static const char *const paths[] = {"/hello", "/bytes/5000", "/bytes/100000", "/nothing"};

  if (c->over) return;
  if (what & 128)
    FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 100u * what, .say_length = what & 1);
  else
    client_get(c, paths[what % 4]);
}

static void operate(fuzz_input *in) {
  uint8_t operation = fuzz_byte(in);
  client *c = clients[operation / 16 % client_count];
  h3edge_str bytes;

  switch (operation % 16) {
  case FORGE:
    forge(c, in);
    break;
  case NOWHERE:
    from_nowhere(in);
    break;
  case CHANGE:
    change(in);
    break;
  case WAIT:
    sim_run(H3EDGE_MILLISECOND << (fuzz_byte(in) % 14));
    break;
  case ASK:
    ask(c, fuzz_byte(in));
    break;
  case RAW:
  case RAW_UNI:
    bytes = take_bytes(in);
    if (!c->over) (operation % 16 == RAW ? client_raw : client_raw_uni)(c, bytes.data, bytes.len, operation & 128);
    break;
  case CONNECT:
    connect_client();
    break;
  case MOVE:
    move(c, fuzz_byte(in));
    break;
  case WEATHER:
    network.up.loss = network.down.loss = fuzz_byte(in);
    break;
  case TAKE_BACK:
    take_back(c, fuzz_byte(in));
    break;
  default:
    sim_run(10 * H3EDGE_MILLISECOND);
  }
  MUST(memory_bytes() < MEMORY_MAX);
}

/* Of all inputs: to make a key takes as long as a short input. */
static h3edge_credentials *credentials(void) {
  static h3edge_credentials *made;
  const char *name = "localhost";

  if (made) return made;
  MUST(!h3edge_credentials_new(&made));
  MUST(!h3edge_credentials_add_self_signed(made, &name, 1, WORLD_UNIX_SECONDS, NULL));
  return made;
}

static void begin(uint8_t seed) {
  world_begin(seed);
  memory_begin(0);
  network_begin();
  network.record = true;
  client_count = 0;
}

static void end(void) {
  edge_end();
  guard_end();
  client_end();
  network_end();
  world_end();
  MUST(memory_blocks() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fuzz_input in = {data, len};
  uint8_t options = fuzz_byte(&in);
  size_t i;
  edge *e;

  begin(options);
  e = EDGE(.server.retry = options & 1 ? H3EDGE_RETRY_ALWAYS : H3EDGE_RETRY_NEVER,
           .server.max_response_memory = options & 4 ? 16 * 1024 : 0, .server.idle_timeout = 20 * H3EDGE_SECOND,
           .server.credentials = credentials());
  connect_client();
  if (options & 2) sim_run(200 * H3EDGE_MILLISECOND);
  for (i = 0; in.len && i < OPERATIONS_MAX; i++) operate(&in);
  network_heal();
  client_close_all();
  sim_run(60 * H3EDGE_SECOND);
  MUST(edge_stats(e).connections == 0);
  sim_still_serves(e, CLIENT(.address = "203.0.113.9:9999"));
  end();
  return 0;
}
