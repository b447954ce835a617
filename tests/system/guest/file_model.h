// SPDX-License-Identifier: MIT
//
// What a worker of file_workload.c has made of its directory after so many steps: the names, and
// the bytes behind each. Every step is drawn from the numbers of the worker and of the step alone,
// so whoever knows how many were done knows all of it without having seen any of them.
#pragma once

#include "abi.h"

enum { kFiles = 24, kCrowd = 300, kNames = kFiles + kCrowd, kLargest = 160000 };

struct content {
  int links;
  long size;
  long attribute;  // the step that set user.mark; 0: none did
  unsigned char* bytes;
};

struct model {
  int names[kNames];  // which content, or -1
  struct content contents[kNames];
};

static void model_start(struct model* model) {
  memset(model, 0, sizeof *model);
  for (int name = 0; name < kNames; ++name) model->names[name] = -1;
}

static void model_copy(struct model* to, const struct model* from) {
  *to = *from;
  for (int i = 0; i < kNames; ++i) {
    if (from->contents[i].bytes == NULL) continue;
    to->contents[i].bytes = malloc(kLargest);
    memcpy(to->contents[i].bytes, from->contents[i].bytes, kLargest);
  }
}

static const char* path_of(int name) {
  static char path[4][64];
  static int next;
  char* out = path[next++ % 4];
  if (name < kFiles)
    snprintf(out, 64, "%s/file%d", name % 2 ? "b" : "a", name);
  else
    snprintf(out, 64, "crowd/a-name-of-some-length-%d", name);
  return out;
}

static struct content* content_of(struct model* model, int name) {
  return model->names[name] == -1 ? NULL : &model->contents[model->names[name]];
}

// The content behind the name, made when it is not there.
static struct content* model_create(struct model* model, int name) {
  if (model->names[name] != -1) return content_of(model, name);
  int free_one = 0;
  while (model->contents[free_one].links != 0) ++free_one;
  struct content* content = &model->contents[free_one];
  if (content->bytes == NULL) content->bytes = malloc(kLargest);
  content->links = 1;
  content->size = content->attribute = 0;
  model->names[name] = free_one;
  return content;
}

static void model_unlink(struct model* model, int name) {
  if (model->names[name] == -1) return;
  --content_of(model, name)->links;
  model->names[name] = -1;
}

static void model_rename(struct model* model, int from, int to) {
  model_unlink(model, to);
  model->names[to] = model->names[from];
  model->names[from] = -1;
}

static void model_resize(struct content* content, long size) {
  if (size > content->size) memset(content->bytes + content->size, 0, size - content->size);
  content->size = size;
}

// Never zero, so that a hole is told from everything that was written.
static void model_write(struct content* content, long at, long size, long worker, long step) {
  if (at > content->size) model_resize(content, at);
  for (long i = at; i < at + size; ++i)
    content->bytes[i] = (unsigned char)(1 + (i * 31 + i / 256 * 7 + step * 97 + worker * 17) % 255);
  if (at + size > content->size) content->size = at + size;
}

static long attribute_size(long step) { return 8 + step * 37 % 900; }

// ---- chance ------------------------------------------------------------------------------------

static uint64_t chance_state;

static void chance_start(long worker, long step) {
  chance_state = (uint64_t)worker * 0x9e3779b97f4a7c15u + (uint64_t)step * 0xbf58476d1ce4e5b9u + 1;
}

static long chance(long below) {
  chance_state ^= chance_state >> 12;
  chance_state ^= chance_state << 25;
  chance_state ^= chance_state >> 27;
  return (long)((chance_state * 0x2545f4914f6cdd1du >> 33) % (uint64_t)below);
}
