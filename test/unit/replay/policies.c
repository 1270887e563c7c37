/* SPDX-License-Identifier: MIT */
/* Runs test/cases/classify.txt. */
#include <h3edge/replay.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#define LINE 256
#define ROWS_MIN 300 /* a table that was cut shows nothing */

/* What stands at the beginning of a group: its rules, and a classifier for each column of verdicts. */
typedef struct policy_group {
  char title[LINE];
  char text[16][LINE]; /* of the rules */
  h3edge_rule rules[16];
  size_t rule_count;
  h3edge_rules by_rules;
  h3edge_classifier_list lists[8];
  const h3edge_classifier *items[8][4];
  const h3edge_classifier *policies[8];
  size_t policy_count;
} policy_group;

/* One request, cut from its line. */
typedef struct asked {
  h3edge_head head;
  h3edge_field fields[8];
} asked;

static const h3edge_classifier *named(const policy_group *group, const char *name) {
  if (strcmp(name, "safe") == 0) return h3edge_classifier_safe();
  if (strcmp(name, "strict") == 0) return h3edge_classifier_strict();
  if (strcmp(name, "idempotent") == 0) return h3edge_classifier_idempotent();
  if (strcmp(name, "rules") != 0) fail_msg("\"%s\" is no policy", name);
  return &group->by_rules.base;
}

static void add_policy(policy_group *group, char *text) {
  size_t column = group->policy_count++;
  size_t count = 0;
  char *word = strtok_r(NULL, " ", &text);
  bool first = strcmp(word, "first") == 0;

  assert_true(column < 8);
  if (!first && strcmp(word, "strictest") != 0) {
    group->policies[column] = named(group, word);
    return;
  }
  while (count < 4 && (word = strtok_r(NULL, " ", &text))) group->items[column][count++] = named(group, word);
  h3edge_classifier_list_init(&group->lists[column], first ? H3EDGE_LIST_FIRST : H3EDGE_LIST_STRICTEST,
                              group->items[column], count);
  group->policies[column] = &group->lists[column].base;
}

static void add_rule(policy_group *group, const char *text) {
  char *kept = group->text[group->rule_count];
  const char *detail = "";

  assert_true(group->rule_count < 16);
  snprintf(kept, LINE, "%s", text);
  if (h3edge_rule_parse(&group->rules[group->rule_count++], kept, &detail)) fail_msg("%s: %s", text, detail);
  h3edge_classifier_rules_init(&group->by_rules, group->rules, group->rule_count);
}

static void begin_group(policy_group *group, const char *title) {
  memset(group, 0, sizeof *group);
  snprintf(group->title, sizeof group->title, "%s", title);
  h3edge_classifier_rules_init(&group->by_rules, group->rules, 0);
}

/* Cuts the request from the line; what is left are the verdicts. */
static char *read_request(asked *out, char *line) {
  char *arrow = strstr(line, "-> ");
  char *rest = line;
  char *word;

  if (!arrow) fail_msg("\"%s\" has no verdict", line);
  *arrow = '\0';
  *out = (asked){.head = {.struct_size = sizeof out->head, .content_length = H3EDGE_LENGTH_UNKNOWN}};
  out->head.scheme = h3edge_str_of("https");
  out->head.fields = out->fields;
  out->head.method = h3edge_str_of(strtok_r(NULL, " ", &rest));
  out->head.authority = h3edge_str_of(strtok_r(NULL, " ", &rest));
  out->head.path = h3edge_str_of(strtok_r(NULL, " ", &rest));
  out->head.ended = strcmp(strtok_r(NULL, " ", &rest), "none") == 0;
  while ((word = strtok_r(NULL, " ", &rest))) {
    size_t name = strcspn(word, "=");

    assert_true(word[name] == '=' && out->head.field_count < 8);
    out->fields[out->head.field_count++] = (h3edge_field){{word, name}, h3edge_str_of(word + name + 1), 0};
  }
  return arrow + 3;
}

static void run_row(const policy_group *group, const char *line) {
  static const h3edge_path path = {.local = {.len = 0}};
  char text[LINE];
  char *verdicts;
  asked request;
  size_t i;

  snprintf(text, sizeof text, "%s", line);
  verdicts = read_request(&request, text);
  assert_true(group->policy_count > 0);
  for (i = 0; i < group->policy_count; i++) {
    const char *got = h3edge_verdict_name(h3edge_classifier_ask(group->policies[i], &request.head, &path));
    const char *wanted = strtok_r(NULL, " ", &verdicts);

    if (!wanted || strcmp(got, wanted) != 0)
      fail_msg("%s\n%s\npolicy %zu says %s and not %s", group->title, line, i + 1, got, wanted ? wanted : "nothing");
  }
  if (strtok_r(NULL, " ", &verdicts)) fail_msg("%s has a verdict too many", line);
}

static FILE *open_table(void) {
  const char *folder = getenv("H3EDGE_TEST_CASES");
  char name[1024];
  FILE *file;

  if (!folder) fail_msg("H3EDGE_TEST_CASES must name the folder of the tables");
  snprintf(name, sizeof name, "%s/classify.txt", folder ? folder : "");
  file = fopen(name, "r");
  if (!file) fail_msg("%s cannot be read", name);
  return file;
}

static void every_request_under_every_policy(void) {
  FILE *file = open_table();
  size_t rows = 0;
  char line[LINE];
  policy_group group;

  begin_group(&group, "before the first group");
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    if (!*line || *line == '#') continue;
    if (strncmp(line, "== ", 3) == 0) {
      begin_group(&group, line + 3);
    } else if (strncmp(line, "rule ", 5) == 0) {
      add_rule(&group, line + 5);
    } else if (strncmp(line, "policy ", 7) == 0) {
      add_policy(&group, line + 7);
    } else {
      run_row(&group, line);
      rows++;
    }
  }
  fclose(file);
  CHECK(rows >= ROWS_MIN);
done:;
}

UNIT_MAIN("replay/policies", UNIT(every_request_under_every_policy))
