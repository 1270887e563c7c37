/* SPDX-License-Identifier: MIT */
/* replay.c: stands in for libFuzzer in every normal test run: gives each file of its folders to the target. */
#include <dirent.h>

#include "fuzz.h"

/* Without memory of its own behind the end, so that a sanitizer sees a read beyond it. */
static void run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t *data;
  long len;

  MUST(file && !fseek(file, 0, SEEK_END));
  len = ftell(file);
  MUST(len >= 0 && !fseek(file, 0, SEEK_SET));
  data = malloc((size_t)len);
  MUST(data || !len);
  MUST(fread(data, 1, (size_t)len, file) == (size_t)len);
  fclose(file);
  LLVMFuzzerTestOneInput(data, (size_t)len);
  free(data);
}

static int is_file(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static int run_folder(const char *folder) {
  struct dirent **entries;
  char path[4096];
  int i, count = scandir(folder, &entries, is_file, alphasort);

  if (count < 1) {
    printf("Bail out! %s has no inputs\n", folder);
    exit(1);
  }
  for (i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    fprintf(stderr, "# %s\n", entries[i]->d_name); /* the last one is the one that failed */
    run_file(path);
    free(entries[i]);
  }
  free(entries);
  return count;
}

int main(int argc, char **argv) {
  int i, count = 0;

  for (i = 1; i < argc; i++) count += run_folder(argv[i]);
  printf("1..1\nok 1 - %d inputs\n", count);
  return count ? 0 : 2;
}
