/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/log.h"

struct heard {
  int lines;
  h3edge_log_level level;
  size_t len;
  char text[2000];
};

static void hear(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  struct heard *heard = ctx;

  heard->lines++;
  heard->level = level;
  heard->len = len;
  memcpy(heard->text, text, len);
  heard->text[len] = '\0';
}

static void lines_above_the_level_are_not_made(void) {
  struct heard heard = {0};
  h3edge_logger logger = {.struct_size = sizeof logger, .level = H3EDGE_LOG_WARN, .line = hear, .ctx = &heard};

  h3edge__log(NULL, H3EDGE_LOG_ERROR, "nobody listens");
  h3edge__log(&logger, H3EDGE_LOG_INFO, "too much");
  CHECK_INT(heard.lines, 0);
  h3edge__log(&logger, H3EDGE_LOG_WARN, "port %d", 443);
  CHECK_INT(heard.lines, 1);
  CHECK_INT(heard.level, H3EDGE_LOG_WARN);
  CHECK_TEXT(heard.text, "port 443");
done:;
}

static void a_long_line_is_cut(void) {
  struct heard heard = {0};
  h3edge_logger logger = {.struct_size = sizeof logger, .level = H3EDGE_LOG_DEBUG, .line = hear, .ctx = &heard};

  h3edge__log(&logger, H3EDGE_LOG_DEBUG, "%1500d", 7);
  CHECK_INT(heard.lines, 1);
  CHECK_INT(heard.len, 1023);
done:;
}

static void what_the_peer_sent_is_escaped(void) {
  char out[32];

  CHECK_TEXT(h3edge__log_escape(out, sizeof out, (h3edge_str){"/a\"\\\n\xff", 6}), "/a\\x22\\x5c\\x0a\\xff");
  CHECK_TEXT(h3edge__log_escape(out, 8, h3edge_str_of("abcdefgh")), "abcd");
  CHECK_TEXT(h3edge__log_escape(out, sizeof out, (h3edge_str){NULL, 0}), "");
done:;
}

UNIT_MAIN("util/log", UNIT(lines_above_the_level_are_not_made), UNIT(a_long_line_is_cut),
          UNIT(what_the_peer_sent_is_escaped))
