/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/list.h"

struct item {
  int number;
  h3edge__node node;
};

static void order_and_removal(void) {
  struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
  h3edge__node list;
  int i;

  h3edge__list_init(&list);
  for (i = 0; i < 4; i++) h3edge__list_init(&items[i].node);
  CHECK(h3edge__list_is_empty(&list));
  CHECK(h3edge__list_pop(&list) == NULL);
  h3edge__list_push_back(&list, &items[1].node);
  h3edge__list_push_back(&list, &items[2].node);
  h3edge__list_push_back(&list, &items[3].node);
  h3edge__list_push_front(&list, &items[0].node);
  h3edge__list_remove(&items[2].node);
  h3edge__list_remove(&items[2].node);
  CHECK_INT(H3EDGE__OF(h3edge__list_pop(&list), struct item, node)->number, 0);
  CHECK_INT(H3EDGE__OF(h3edge__list_pop(&list), struct item, node)->number, 1);
  CHECK_INT(H3EDGE__OF(h3edge__list_pop(&list), struct item, node)->number, 3);
  CHECK(h3edge__list_is_empty(&list));
done:;
}

UNIT_MAIN("util/list", UNIT(order_and_removal))
