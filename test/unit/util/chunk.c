/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/chunk.h"

static void lives_until_the_last_reference(void) {
  h3edge_chunk *chunk = NULL;
  h3edge_chunk *same = NULL;

  OK(h3edge_chunk_new(&chunk, &unit_mem, 100));
  CHECK_INT(h3edge_chunk_cap(chunk), 100);
  memset(h3edge_chunk_data(chunk), 'x', 100);
  CHECK(!h3edge__chunk_is_shared(chunk));
  same = h3edge_chunk_ref(chunk);
  CHECK(same == chunk && h3edge__chunk_is_shared(chunk));
  h3edge_chunk_unref(chunk);
  chunk = NULL;
  CHECK(!h3edge__chunk_is_shared(same));
  CHECK_INT(h3edge_chunk_data(same)[99], 'x');
done:
  h3edge_chunk_unref(chunk);
  h3edge_chunk_unref(same);
}

static void sizes_that_cannot_be(void) {
  h3edge_chunk *chunk = NULL;

  CHECK_INT(h3edge_chunk_new(&chunk, &unit_mem, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_chunk_new(NULL, &unit_mem, 1), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_chunk_new(&chunk, &unit_mem, SIZE_MAX), H3EDGE_ERR_NOMEM);
  CHECK(chunk == NULL);
done:;
}

UNIT_MAIN("util/chunk", UNIT(lives_until_the_last_reference), UNIT(sizes_that_cannot_be))
