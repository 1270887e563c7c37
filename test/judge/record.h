/* SPDX-License-Identifier: MIT */
/* record.h: what happened in a run, for the judge: JSON objects, one on a line, appended to the file JUDGE_RECORDS.
 * Bytes are written in hexadecimal, so that every byte can be told. */
#ifndef H3EDGE_TEST_JUDGE_RECORD_H
#define H3EDGE_TEST_JUDGE_RECORD_H

#include "client.h"

void record_begin(const char *kind);
void record_number(const char *name, long long value);
void record_bytes(const char *name, const void *data, size_t len);
/* A list of lists: what comes between is an item each. */
void record_list_begin(const char *name);
void record_item(const char *kind, const void *first, size_t first_len, const void *second, size_t second_len);
void record_list_end(void);
void record_end(void);

/* A run begins. */
void record_run(void);
/* What the client saw of an exchange that is over. */
void record_outcome(unsigned id, const fetch *f);

#endif
