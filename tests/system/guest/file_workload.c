// SPDX-License-Identifier: MIT
//
// Files that are written, cut, renamed, linked, removed, and made durable after each step; and the
// check of what a power cut has left of them.
//
//   file_workload run DIR MARKS WORKERS STEPS   as many processes, each with a directory of its
//   own,
//                                               and one more that never waits for the disk
//   file_workload check DIR DONE...             for each worker how many steps it had done, or -
//   file_workload check-delayed DIR DONE...     of a kernel that allocates blocks late, as Linux: a
//                                               file whose directory alone was synced may be empty
//
// A step ends with the call that makes it durable (fsync, fdatasync, msync, sync, O_DSYNC). Then
// its number goes to the worker's sector of MARKS, a device beside the file system: who has
// recorded the disk's writes finds there which steps were over at every moment.
#include "file_model.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/xattr.h>

// What may be seen between the start of a step and its mark.
struct step {
  bool atomic;        // all of it or nothing
  bool zeros;         // what is new may be zeros yet
  bool starts_empty;  // the file is cut first
};

static bool live;  // there is a disk; else only the model is of interest
static long worker;

#define DO(call) (live ? MUST(call) : 0)

// ---- pieces of steps ---------------------------------------------------------------------------

static void write_all(int file, const struct content* content, long at, long size) {
  while (size > 0) {
    long part = 1 + chance(20000);
    if (part > size) part = size;
    if (DO(pwrite(file, content->bytes + at, (size_t)part, at)) != (live ? part : 0))
      say("worker %ld: a short write", worker), exit(1);
    at += part, size -= part;
  }
}

static void sync_directory(const char* name) {
  if (!live) return;
  int directory = (int)MUST(open(name, O_RDONLY | O_DIRECTORY));
  MUST(fsync(directory));
  close(directory);
}

static void sync_somehow(int file) {
  switch (chance(4)) {
    case 0:
      DO(fdatasync(file));
      break;
    case 1:
      DO(syncfs(file));
      break;
    default:
      DO(fsync(file));
  }
}

static void save(const char* path, int flags, const struct content* content, long at, long size) {
  int file = (int)DO(open(path, O_WRONLY | O_CREAT | flags, 0600));
  write_all(file, content, at, size);
  if ((flags & O_DSYNC) == 0) sync_somehow(file);
  DO(close(file));
}

static void fill_marks(char* value, long step) { memset(value, 'a' + (int)(step % 26), 1000); }

// ---- steps of one file -------------------------------------------------------------------------

static struct step write_step(struct model* model, int name, long step, long kind) {
  const char* path = path_of(name);
  struct content* content = model_create(model, name);
  long room = kLargest - content->size;
  long size = 1 + chance(kind == 1 ? 3000 : 60000);
  if (kind == 0) {  // as many programs save
    content->size = 0;
    model_write(content, 0, size, worker, step);
    save(path, O_TRUNC, content, 0, size);
    return (struct step){.starts_empty = true};
  }
  long at = kind == 3 && content->size > 0 ? chance(content->size) : content->size;
  if (kind != 3 && size > room) at = chance(kLargest / 2), size = 1 + chance(2000);
  if (at + size > kLargest) size = kLargest - at;
  model_write(content, at, size, worker, step);
  save(path, kind == 2 ? O_DSYNC : 0, content, at, size);
  return (struct step){};
}

static struct step mapped_step(struct model* model, int name, long step) {
  struct content* content = model_create(model, name);
  if (content->size == 0) return write_step(model, name, step, 1);
  long at = chance(content->size), size = 1 + chance(content->size - at);
  model_write(content, at, size, worker, step);
  if (!live) return (struct step){};
  int file = (int)MUST(open(path_of(name), O_RDWR));
  size_t length = (size_t)content->size;
  char* map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  MUST(map == MAP_FAILED ? -1 : 0);
  memcpy(map + at, content->bytes + at, (size_t)size);
  MUST(msync(map, length, MS_SYNC));
  MUST(munmap(map, length));
  MUST(close(file));
  return (struct step){};
}

static struct step resize_step(struct model* model, int name) {
  struct content* content = model_create(model, name);
  long size = chance(2) ? chance(kLargest) : chance(content->size + 1);
  model_resize(content, size);
  int file = (int)DO(open(path_of(name), O_WRONLY | O_CREAT, 0600));
  DO(ftruncate(file, size));
  sync_somehow(file);
  DO(close(file));
  return (struct step){};
}

static struct step hole_step(struct model* model, int name) {
  struct content* content = model_create(model, name);
  if (content->size < 2) return resize_step(model, name);
  long at = chance(content->size - 1), size = 1 + chance(content->size - at);
  memset(content->bytes + at, 0, (size_t)size);
  int file = (int)DO(open(path_of(name), O_WRONLY));
  DO(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, size));
  sync_somehow(file);
  DO(close(file));
  return (struct step){};
}

// Room that is taken, and a part of it written. Files without extents take none ahead.
static struct step reserve_step(struct model* model, int name, long step) {
  struct content* content = model_create(model, name);
  long at = content->size, size = 4096 + chance(50000);
  if (at + size > kLargest) return resize_step(model, name);
  long part = chance(size), length = 1 + chance(size - part);
  model_resize(content, at + size);
  model_write(content, at + part, length, worker, step);
  int file = (int)DO(open(path_of(name), O_WRONLY | O_CREAT, 0600));
  if (live && fallocate(file, 0, at, size) == -1) {
    MUST(errno == EOPNOTSUPP ? 0 : -1);
    MUST(ftruncate(file, at + size));
  }
  write_all(file, content, at + part, length);
  sync_somehow(file);
  DO(close(file));
  return (struct step){.zeros = true};
}

static struct step attribute_step(struct model* model, int name, long step) {
  model_create(model, name)->attribute = step;
  int file = (int)DO(open(path_of(name), O_RDWR | O_CREAT, 0600));
  char value[1000];
  fill_marks(value, step);
  DO(fsetxattr(file, "user.mark", value, (size_t)attribute_size(step), 0));
  DO(fsync(file));
  DO(close(file));
  return (struct step){};
}

// ---- steps of names ----------------------------------------------------------------------------

static struct step replace_step(struct model* model, int name, long step) {
  model_unlink(model, name);
  struct content* content = model_create(model, name);
  long size = 1 + chance(60000);
  model_write(content, 0, size, worker, step);
  save("temporary", O_TRUNC, content, 0, size);
  DO(rename("temporary", path_of(name)));
  sync_directory(name % 2 ? "b" : "a");
  return (struct step){.atomic = true};
}

static struct step name_step(struct model* model, int name, long step, long kind) {
  int other = (int)chance(kFiles);
  struct content* content = content_of(model, name);
  if (content == NULL || (kind < 2 && content == content_of(model, other)))
    return write_step(model, name, step, 1);
  if (kind == 0) {
    model_rename(model, name, other);
    DO(rename(path_of(name), path_of(other)));
    sync_directory(other % 2 ? "b" : "a");
  } else if (kind == 1) {
    if (model->names[other] != -1) return replace_step(model, other, step);
    model->names[other] = model->names[name];
    ++content->links;
    DO(link(path_of(name), path_of(other)));
    sync_directory(other % 2 ? "b" : "a");
  } else {
    model_unlink(model, name);
    DO(unlink(path_of(name)));
    sync_directory(name % 2 ? "b" : "a");
  }
  return (struct step){.atomic = true};
}

static struct step crowd_step(struct model* model, long step) {
  int first = kFiles + (int)chance(kCrowd), count = 1 + (int)chance(40);
  bool removes = chance(3) == 0;
  for (int name = first; name < first + count && name < kNames; ++name) {
    if (removes && model->names[name] != -1) {
      model_unlink(model, name);
      DO(unlink(path_of(name)));
    } else if (!removes && model->names[name] == -1) {
      struct content* content = model_create(model, name);
      model_write(content, 0, 1 + chance(100), worker, step);
      int file = (int)DO(open(path_of(name), O_WRONLY | O_CREAT | O_EXCL, 0600));
      DO(write(file, content->bytes, (size_t)content->size));
      DO(close(file));
    }
  }
  if (chance(2)) {
    if (live) sync();
  } else {
    sync_directory("crowd");
  }
  return (struct step){};
}

// A directory of several blocks comes and goes; what was its may be data in the same moment, which
// no replay of the journal may bring back.
static struct step scratch_step(struct model* model, int name, long step) {
  if (live) {
    MUST(mkdir("scratch", 0700));
    char path[280];
    for (int i = 0; i < 60; ++i) {
      snprintf(path, sizeof path, "scratch/%0200d", i);
      MUST(close((int)MUST(open(path, O_WRONLY | O_CREAT, 0600))));
    }
    if (step % 2) sync_directory("scratch");
    for (int i = 0; i < 60; ++i) {
      snprintf(path, sizeof path, "scratch/%0200d", i);
      MUST(unlink(path));
    }
    MUST(rmdir("scratch"));
  }
  return write_step(model, name, step, 0);
}

// Contents without a name, which go with the last descriptor.
static struct step orphan_step(struct model* model, int name, long step) {
  if (live) {
    int file = (int)MUST(open("temporary", O_RDWR | O_CREAT | O_EXCL, 0600));
    MUST(ftruncate(file, 1000000));
    static char bytes[100000];
    MUST(pwrite(file, bytes, sizeof bytes, 500000));
    MUST(unlink("temporary"));
    MUST(fsync(file));
    MUST(ftruncate(file, 520000));
    MUST(close(file));
  }
  return write_step(model, name, step, 1);
}

static struct step do_step(struct model* model, long step) {
  chance_start(worker, step);
  int name = (int)chance(kFiles);
  long kind = chance(20);
  switch (kind) {
    case 0:
    case 1:
    case 2:
    case 3:
      return write_step(model, name, step, kind);
    case 4:
      return write_step(model, name, step, 1);
    case 5:
      return mapped_step(model, name, step);
    case 6:
      return resize_step(model, name);
    case 7:
      return hole_step(model, name);
    case 8:
      return reserve_step(model, name, step);
    case 9:
      return attribute_step(model, name, step);
    case 10:
    case 11:
      return replace_step(model, name, step);
    case 12:
    case 13:
    case 14:
      return name_step(model, name, step, kind - 12);
    case 15:
      return scratch_step(model, name, step);
    case 16:
      return orphan_step(model, name, step);
    default:
      return crowd_step(model, step);
  }
}

// ---- running -----------------------------------------------------------------------------------

static void mark(int marks, long step) {
  static _Alignas(4096) char sector[512];
  snprintf(sector, sizeof sector, "worker %ld has done %ld\n", worker, step);
  MUST(pwrite(marks, sector, sizeof sector, worker * 512));
}

static void work(int marks, long steps) {
  char directory[32];
  snprintf(directory, sizeof directory, "worker%ld", worker);
  MUST(mkdir(directory, 0700));
  MUST(chdir(directory));
  MUST(mkdir("a", 0700));
  MUST(mkdir("b", 0700));
  MUST(mkdir("crowd", 0700));
  sync_directory(".");
  struct model model;
  model_start(&model);
  mark(marks, 0);
  for (long step = 1; step <= steps; ++step) {
    do_step(&model, step);
    mark(marks, step);
  }
}

// Keeps the disk busy with what nobody waits for, until it is killed.
static void make_noise(void) {
  static char bytes[100000];
  char name[32], other[32];
  memset(bytes, 'n', sizeof bytes);
  MUST(mkdir("noise", 0700));
  MUST(chdir("noise"));
  for (long step = 1;; ++step) {
    chance_start(99, step);
    snprintf(name, sizeof name, "noise%ld", chance(40));
    snprintf(other, sizeof other, "noise%ld", chance(40));
    int file = open(name, O_RDWR | O_CREAT, 0600);
    switch (chance(6)) {
      case 0:
        unlink(name);
        break;
      case 1:
        rename(name, other);
        break;
      case 2:
        (void)!ftruncate(file, chance(200000));
        break;
      case 3:
        (void)!mkdir("folder", 0700);
        rmdir("folder");
        break;
      default:
        (void)!pwrite(file, bytes, (size_t)chance(sizeof bytes), chance(100000));
    }
    close(file);
    usleep(2000);
  }
}

static pid_t start(long number, const char* marks, long steps) {
  pid_t child = (pid_t)MUST(fork());
  if (child != 0) return child;
  worker = number, live = true;
  if (worker < 0) make_noise();
  work((int)MUST(open(marks, O_WRONLY | O_DIRECT)), steps);
  exit(0);
}

static int run(const char* marks, long workers, long steps) {
  pid_t noise = start(-1, marks, 0);
  int failed = 0, status;
  for (long i = 0; i < workers; ++i) start(i, marks, steps);
  for (long i = 0; i < workers; ++i) {
    MUST(wait(&status));
    failed += status != 0;
  }
  kill(noise, SIGKILL);
  MUST(wait(&status));
  say("%d workers failed", failed);
  return failed != 0;
}

// ---- checking ----------------------------------------------------------------------------------

static int problems;
static bool quiet;
static bool delayed;

static __attribute__((format(printf, 1, 2))) void problem(const char* format, ...) {
  char text[500];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  ++problems;
  if (!quiet) say("worker %ld: %s", worker, text);
}

static bool same_attribute(const char* path, const struct content* content) {
  char value[1000], wanted[1000];
  ssize_t size = getxattr(path, "user.mark", value, sizeof value);
  if (content == NULL || content->attribute == 0) return size == -1;
  fill_marks(wanted, content->attribute);
  return size == attribute_size(content->attribute) && memcmp(value, wanted, (size_t)size) == 0;
}

static long smaller(long a, long b) { return a < b ? a : b; }

// The file is as one of the two has it, or on the way from the first to the second.
static void check_file(int name, const struct content* before, const struct content* after,
                       struct step step) {
  const char* path = path_of(name);
  struct stat status;
  if (lstat(path, &status) == -1) {
    if (errno != ENOENT) problem("%s: %s", path, error_name(errno));
    if (before != NULL && after != NULL) problem("%s is lost", path);
    return;
  }
  if (before == NULL && after == NULL) {
    problem("%s is there", path);
    return;
  }
  static const struct content nothing;
  if (before == NULL) before = &nothing;
  if (after == NULL) after = &nothing;
  static unsigned char bytes[kLargest + 1];
  int file = open(path, O_RDONLY);
  long size = pread(file, bytes, sizeof bytes, 0);
  bool may_be_empty = step.starts_empty || (delayed && name >= kFiles);
  if (size != status.st_size) {
    problem("%s: %ld of %ld bytes can be read: %s", path, size, (long)status.st_size,
            error_name(errno));
  } else if (size > (before->size > after->size ? before->size : after->size) ||
             size < (may_be_empty ? 0 : smaller(before->size, after->size))) {
    problem("%s: size %ld, not %ld or %ld", path, size, before->size, after->size);
  } else {
    // Of a file that is being cut the rest of the last block is zeroed before the cut is on record:
    // a moment between the two may be seen, on Linux too.
    long cut = after->size < before->size ? after->size : size;
    long zeroed = cut + (status.st_blksize - cut % status.st_blksize) % status.st_blksize;
    long wrong = 0, first = -1;
    for (long i = 0; i < size; ++i) {
      if ((i < before->size && bytes[i] == before->bytes[i]) ||
          (i < after->size && bytes[i] == after->bytes[i]) ||
          ((step.zeros || (i >= cut && i < zeroed)) && bytes[i] == 0))
        continue;
      if (wrong++ == 0) first = i;
    }
    if (wrong != 0)
      problem("%s: %ld of %ld bytes are wrong, the first at %ld: %d", path, wrong, size, first,
              bytes[first]);
  }
  if (!same_attribute(path, before) && !same_attribute(path, after))
    problem("%s: wrong attribute", path);
  if (before == after && (int)status.st_nlink != after->links)
    problem("%s: %d links, not %d", path, (int)status.st_nlink, after->links);
  close(file);
}

static void check_files(struct model* before, struct model* after, struct step step) {
  for (int name = 0; name < kNames; ++name)
    check_file(name, content_of(before, name), content_of(after, name), step);
}

static void check_names(const char* directory, bool under_way) {
  DIR* open_directory = opendir(directory);
  if (open_directory == NULL) {
    problem("%s: %s", directory, error_name(errno));
    return;
  }
  for (struct dirent* entry; (entry = readdir(open_directory)) != NULL;) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    bool known = entry->d_name[0] == '.' || strcmp(path, "./a") == 0 || strcmp(path, "./b") == 0 ||
                 strcmp(path, "./crowd") == 0;
    if (under_way) known |= strcmp(path, "./scratch") == 0 || strcmp(path, "./temporary") == 0;
    for (int name = 0; name < kNames && !known; ++name) known = strcmp(path, path_of(name)) == 0;
    if (!known) problem("%s: who made it?", path);
  }
  closedir(open_directory);
}

static void check(long done) {
  static struct model before, after;
  model_start(&before);
  live = false;
  for (long step = 1; step <= done; ++step) do_step(&before, step);
  model_copy(&after, &before);
  struct step next = do_step(&after, done + 1);
  int earlier = problems;
  quiet = true;  // first: did nothing happen since?
  check_files(&before, &before, (struct step){});
  bool nothing = problems == earlier;
  problems = earlier;
  if (!nothing && next.atomic) {
    check_files(&after, &after, (struct step){});
    nothing = problems == earlier;
    problems = earlier;
  }
  quiet = false;
  if (!nothing) {
    check_files(&before, next.atomic ? &before : &after, next);
    if (problems != earlier) say("worker %ld: all of this after %ld steps", worker, done);
  }
  const char* const directories[] = {".", "a", "b", "crowd"};
  for (size_t i = 0; i < COUNT(directories); ++i) check_names(directories[i], true);
}

static int read_one(const char* path, const struct stat* status, int kind, struct FTW* place) {
  (void)status, (void)place;
  if (kind == FTW_DNR || kind == FTW_NS) problem("%s cannot be read", path);
  if (kind != FTW_F) return 0;
  static char bytes[65536];
  int file = open(path, O_RDONLY);
  ssize_t size;
  while ((size = read(file, bytes, sizeof bytes)) > 0) continue;
  if (size == -1) problem("%s: %s", path, error_name(errno));
  close(file);
  return 0;
}

int main(int argc, char** argv) {
  alarm(0);  // how long it may take is up to who runs it
  if (argc < 3) return 2;
  MUST(chdir(argv[2]));
  delayed = strcmp(argv[1], "check-delayed") == 0;
  if (strcmp(argv[1], "run") == 0) return run(argv[3], atol(argv[4]), atol(argv[5]));
  for (worker = 0; worker < argc - 3; ++worker) {
    if (strcmp(argv[3 + worker], "-") == 0) continue;
    char directory[32];
    snprintf(directory, sizeof directory, "worker%ld", worker);
    if (chdir(directory) == -1) {
      problem("%s is lost", directory);
      continue;
    }
    check(atol(argv[3 + worker]));
    MUST(chdir(".."));
  }
  nftw(".", read_one, 20, FTW_PHYS | FTW_MOUNT);
  say("%d problems", problems);
  return problems != 0;
}
