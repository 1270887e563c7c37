/* SPDX-License-Identifier: MIT */
/* figures.c: histograms and sums. Pure. */
#include "figures.h"

/* Values below 256 have slots of their own; from there on `shift` low bits are left out. */
static unsigned shift_of(uint64_t value) {
  return value < 2 * HISTOGRAM_PARTS ? 0 : 56 - (unsigned)__builtin_clzll(value);
}

void histogram_add(histogram *h, uint64_t value) {
  unsigned shift = shift_of(value);

  h->slots[shift * HISTOGRAM_PARTS + (value >> shift)]++;
  if (!h->count || value < h->least) h->least = value;
  if (value > h->most) h->most = value;
  h->count++;
}

/* The middle of what falls into a slot. */
static uint64_t value_of(size_t slot) {
  size_t shift = slot < 2 * HISTOGRAM_PARTS ? 0 : slot / HISTOGRAM_PARTS - 1;
  uint64_t first = (uint64_t)(slot - shift * HISTOGRAM_PARTS) << shift;

  return first + ((UINT64_C(1) << shift) - 1) / 2;
}

uint64_t histogram_at(const histogram *h, double share) {
  uint64_t rank = (uint64_t)(share * (double)h->count + 0.5), seen = 0, value;
  size_t slot;

  if (!h->count || rank <= 1) return h->least;
  for (slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
    seen += h->slots[slot];
    if (seen >= rank) break;
  }
  value = value_of(slot);
  if (value < h->least) return h->least;
  return value > h->most ? h->most : value;
}

uint64_t figures_errors(const figures *f) {
  uint64_t sum = 0;
  size_t i;

  for (i = 0; i < OUTCOME_COUNT; i++) sum += f->errors[i];
  return sum;
}
