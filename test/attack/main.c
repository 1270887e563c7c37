/* SPDX-License-Identifier: MIT */
/* main.c: attack-client PORT ATTACK SECONDS. What an attack finds wrong ends it with status 1; else it prints how many
 * rounds there were. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "attack.h"
#include "initial.h"

static const struct {
  const char *name;
  void (*round)(void);
} attacks[] = {
#define ATTACK(function)                                                                                               \
  { #function, function }
    ATTACK(resets_of_requests),
    ATTACK(resets_of_responses),
    ATTACK(resets_at_once),
    ATTACK(resets_provoked),
    ATTACK(tables_of_big_entries),
    ATTACK(tables_waited_for),
    ATTACK(tables_rewritten),
    ATTACK(tables_of_instructions),
    ATTACK(control_breaches),
    ATTACK(control_floods),
    ATTACK(control_strange_streams),
    ATTACK(slow_heads),
    ATTACK(slow_content),
    ATTACK(slow_readers),
    ATTACK(packets_forged),
    ATTACK(packets_of_noise),
    ATTACK(packets_from_everywhere),
    ATTACK(hellos_with_bad_parameters),
    ATTACK(hellos_damaged),
    ATTACK(hellos_left_alone),
    ATTACK(garbage_of_all_kinds),
    ATTACK(garbage_of_damaged_initials),
};

__attribute__((format(printf, 3, 0))) static _Noreturn void give_up(const char *file, int line, const char *format,
                                                                    va_list args) {
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  exit(EXIT_FAILURE);
}

void sim_fail(const char *file, int line, const char *format, ...) {
  va_list args;

  va_start(args, format);
  give_up(file, line, format, args);
}

void sim_expected(bool fulfilled, const char *file, int line, const char *format, ...) {
  va_list args;

  if (fulfilled) return;
  va_start(args, format);
  give_up(file, line, format, args);
}

client *attack_client(client *c) {
  while (!c || c->over) {
    c = CLIENT(.frail = true);
    UNTIL(c->confirmed || c->over);
  }
  return c;
}

static void run(void (*round)(void), uint16_t port) {
  sockets_begin(port);
  round();
  client_close_all();
  client_end();
  world_end();
  sockets_end();
}

int main(int argc, char **argv) {
  h3edge_ts end;
  size_t i, rounds = 0, count = sizeof attacks / sizeof *attacks;

  if (argc != 4) sim_fail(__FILE__, __LINE__, "usage: attack-client PORT ATTACK SECONDS");
  for (i = 0; i < count && strcmp(attacks[i].name, argv[2]) != 0; i++) continue;
  if (i == count) sim_fail(__FILE__, __LINE__, "there is no attack %s", argv[2]);
  end = world_now() + strtoull(argv[3], NULL, 10) * H3EDGE_SECOND;
  do {
    run(attacks[i].round, (uint16_t)strtoul(argv[1], NULL, 10));
    rounds++;
  } while (world_now() < end);
  initial_end();
  printf("%zu rounds\n", rounds);
  return 0;
}
