/* SPDX-License-Identifier: MIT */
/* cases.h: reads the tables in test/cases. A case is
 *
 *   == what it shows
 *   what goes in, a line each
 *   ->
 *   what comes out, a line each
 *
 * Empty lines, and lines that begin with '#', say nothing. */
#ifndef H3EDGE_TEST_UNIT_GATEWAY_CASES_H
#define H3EDGE_TEST_UNIT_GATEWAY_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "util/field.h"

#define CASES_LINES 16

typedef struct case_table {
  FILE *file;
  char next[256]; /* title of the case that comes next; empty at the end */
} case_table;

typedef struct one_case {
  char title[256];
  char in[CASES_LINES][256];
  size_t in_count;
  char out[4096]; /* its lines, each with its line end */
} one_case;

/* The next line that says something, without its end. */
static inline bool cases_line(case_table *table, char line[256]) {
  while (fgets(line, 256, table->file)) {
    line[strcspn(line, "\n")] = '\0';
    if (*line && *line != '#') return true;
  }
  return false;
}

static inline void cases_open(case_table *table, const char *name) {
  const char *folder = getenv("H3EDGE_TEST_CASES");
  char path[1024];

  if (!folder) fail_msg("H3EDGE_TEST_CASES must name the folder of the tables");
  snprintf(path, sizeof path, "%s/%s", folder ? folder : "", name);
  table->file = fopen(path, "r");
  if (!table->file) fail_msg("%s cannot be read", path);
  if (!cases_line(table, table->next) || strncmp(table->next, "== ", 3) != 0) fail_msg("%s holds no case", path);
}

static inline void cases_close(case_table *table) {
  fclose(table->file);
}

static inline bool cases_next(case_table *table, one_case *out) {
  bool results = false;
  char line[256];
  size_t used = 0;

  if (!*table->next) return false;
  memset(out, 0, sizeof *out);
  snprintf(out->title, sizeof out->title, "%s", table->next + 3);
  *table->next = '\0';
  while (cases_line(table, line)) {
    if (strncmp(line, "== ", 3) == 0) {
      memcpy(table->next, line, sizeof line);
      break;
    }
    if (strcmp(line, "->") == 0) {
      results = true;
    } else if (results) {
      used += (size_t)snprintf(out->out + used, sizeof out->out - used, "%s\n", line);
    } else {
      assert_true(out->in_count < CASES_LINES);
      memcpy(out->in[out->in_count++], line, sizeof line);
    }
  }
  if (!results || !out->in_count) fail_msg("\"%s\" is not a whole case", out->title);
  return true;
}

/* "name: value", or "name:" for an empty one, as a field that points into the line. */
static inline h3edge_field cases_field(char *line) {
  char *colon = strchr(line, ':');
  h3edge_field field = {.flags = 0};

  if (!colon) fail_msg("\"%s\" is no field line", line);
  *colon = '\0';
  field.name = h3edge_str_of(line);
  field.value = h3edge_str_of(colon[1] == ' ' ? colon + 2 : colon + 1);
  return field;
}

/* Writes fields as the tables do. */
static inline size_t cases_fields_text(char *text, size_t cap, const h3edge_field *fields, size_t count) {
  size_t used = 0;
  size_t i;

  *text = '\0';
  for (i = 0; i < count; i++)
    used += (size_t)snprintf(text + used, cap - used, "%.*s:%s%.*s\n", (int)fields[i].name.len, fields[i].name.data,
                             fields[i].value.len ? " " : "", (int)fields[i].value.len, fields[i].value.data);
  return used;
}

static inline void cases_compare(const one_case *one, const char *got) {
  if (strcmp(got, one->out) != 0) fail_msg("%s:\n%sshould have been\n%s", one->title, got, one->out);
}

/* Every case of a table: `run` writes what comes out of it to `out`, and returns 0 or NOMEM. */
static inline void cases_run(const char *name,
                             int (*run)(one_case *one, char *out, size_t cap, h3edge__fields *fields)) {
  h3edge__fields fields;
  case_table table;
  one_case one;
  char got[8192];

  h3edge__fields_init(&fields, &unit_mem);
  cases_open(&table, name);
  while (cases_next(&table, &one)) {
    OK(run(&one, got, sizeof got, &fields));
    cases_compare(&one, got);
    h3edge__fields_free(&fields);
  }
done:
  cases_close(&table);
  h3edge__fields_free(&fields);
}

#endif
