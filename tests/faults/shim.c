/* Lets the n-th change of the file system below a directory fail, or kill everybody who takes part.
 *
 * It is preloaded (LD_PRELOAD) into a process and, through its environment, into all that it starts.
 * They share a page of memory, the file named by FAULTS_CONTROL: how many changes there were, which
 * one is to fail, and how. tests/faults/shim.py has the same fields.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

struct control {
    uint64_t count;  /* changes so far */
    uint64_t target; /* which one is to fail; 0 for not even counting */
    int32_t error;   /* errno to fail with; 0 to kill */
    int32_t onward;  /* whether all that come after it fail, too */
    int32_t fired;
    uint32_t kinds;  /* which kinds of calls count */
    char call[64];   /* the call that failed */
    char path[512];  /* and what it was to change */
    char root[512];
};

enum { OPEN = 1, WRITE = 2, NAME = 4, REMOVE = 8, MODE = 16, SYNC = 32, READ = 64 };

static struct control *shared;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAULTS_CONTROL");
    if (!name || shared)
        return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = real(name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        shared = page;
}

static void die(void) {
    kill(0, SIGKILL);
    raise(SIGKILL);
}

static int below(const char *path) {
    size_t length = strlen(shared->root);
    return strncmp(path, shared->root, length) == 0 && (path[length] == '/' || !path[length]);
}

/* The path of a descriptor, with what is below it. */
static int locate(int fd, const char *name, char *path, size_t size) {
    if (name && name[0] == '/') {
        snprintf(path, size, "%s", name);
        return 1;
    }
    ssize_t length;
    if (fd == AT_FDCWD) {
        if (!getcwd(path, size))
            return 0;
        length = strlen(path);
    } else {
        char link[40];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, path, size - 1);
        if (length < 0)
            return 0;
    }
    path[length] = 0;
    if (name)
        snprintf(path + length, size - length, "/%s", name);
    return 1;
}

/* Says what becomes of a call: 0 it goes on; 1 it fails, and errno is set; 2 half of it is done first. */
static int fate(uint32_t kind, const char *call, int fd, const char *name) {
    struct control *c = shared;
    int before = errno;
    if (!c || !c->target || !(c->kinds & kind))
        return 0;
    if (c->fired && !c->error)
        die();
    char path[PATH_MAX + NAME_MAX];
    if (!locate(fd, name, path, sizeof path) || !below(path)) {
        errno = before;
        return 0;
    }
    uint64_t number = __atomic_add_fetch(&c->count, 1, __ATOMIC_SEQ_CST);
    errno = before;
    if (number < c->target || (number > c->target && !c->onward))
        return 0;
    if (number == c->target) {
        snprintf(c->call, sizeof c->call, "%s", call);
        snprintf(c->path, sizeof c->path, "%s", path);
        c->fired = 1;
        if (kind == WRITE && (!c->error || c->onward))
            return 2;
    }
    if (!c->error)
        die();
    errno = c->error;
    return 1;
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) \
    real = dlsym(RTLD_NEXT, name)

#define PLAIN(kind, name, parameters, fd, path, arguments) \
    int name parameters { \
        static int(*real) parameters; \
        if (!real) \
            real = dlsym(RTLD_NEXT, #name); \
        return fate(kind, #name, fd, path) ? -1 : real arguments; \
    }

/* ---- names */
PLAIN(NAME, rename, (const char *a, const char *b), AT_FDCWD, b, (a, b))
PLAIN(NAME, renameat, (int d, const char *a, int e, const char *b), e, b, (d, a, e, b))
PLAIN(NAME, renameat2, (int d, const char *a, int e, const char *b, unsigned f), e, b, (d, a, e, b, f))
PLAIN(NAME, link, (const char *a, const char *b), AT_FDCWD, b, (a, b))
PLAIN(NAME, linkat, (int d, const char *a, int e, const char *b, int f), e, b, (d, a, e, b, f))
PLAIN(NAME, symlink, (const char *a, const char *b), AT_FDCWD, b, (a, b))
PLAIN(NAME, symlinkat, (const char *a, int e, const char *b), e, b, (a, e, b))
PLAIN(NAME, mkdir, (const char *a, mode_t m), AT_FDCWD, a, (a, m))
PLAIN(NAME, mkdirat, (int d, const char *a, mode_t m), d, a, (d, a, m))
PLAIN(REMOVE, unlink, (const char *a), AT_FDCWD, a, (a))
PLAIN(REMOVE, unlinkat, (int d, const char *a, int f), d, a, (d, a, f))
PLAIN(REMOVE, rmdir, (const char *a), AT_FDCWD, a, (a))
PLAIN(REMOVE, remove, (const char *a), AT_FDCWD, a, (a))

/* ---- modes and times */
PLAIN(MODE, chmod, (const char *a, mode_t m), AT_FDCWD, a, (a, m))
PLAIN(MODE, fchmod, (int fd, mode_t m), fd, NULL, (fd, m))
PLAIN(MODE, fchmodat, (int d, const char *a, mode_t m, int f), d, a, (d, a, m, f))
PLAIN(MODE, utime, (const char *a, const struct utimbuf *t), AT_FDCWD, a, (a, t))
PLAIN(MODE, utimes, (const char *a, const struct timeval t[2]), AT_FDCWD, a, (a, t))
PLAIN(MODE, utimensat, (int d, const char *a, const struct timespec t[2], int f), d, a, (d, a, t, f))
PLAIN(MODE, futimens, (int fd, const struct timespec t[2]), fd, NULL, (fd, t))

/* ---- sizes */
PLAIN(WRITE, truncate64, (const char *a, off64_t n), AT_FDCWD, a, (a, n))
PLAIN(WRITE, ftruncate64, (int fd, off64_t n), fd, NULL, (fd, n))
PLAIN(WRITE, ftruncate, (int fd, off_t n), fd, NULL, (fd, n))

/* ---- syncing: counted, but nobody waits for a disk: these faults keep the page cache */
int fsync(int fd) { return fate(SYNC, "fsync", fd, NULL) ? -1 : 0; }
int fdatasync(int fd) { return fate(SYNC, "fdatasync", fd, NULL) ? -1 : 0; }
int sync_file_range(int fd, off64_t a, off64_t n, unsigned f) {
    (void)a, (void)n, (void)f;
    return fate(SYNC, "sync_file_range", fd, NULL) ? -1 : 0;
}

/* ---- opening */
static uint32_t opening(int flags) {
    return flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) ? OPEN : READ;
}
#define OPENS(name, parameters, fd, path, made) \
    int name parameters { \
        static int (*real)(); \
        if (!real) \
            real = (int (*)())dlsym(RTLD_NEXT, #name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        return fate(opening(flags), #name, fd, path) ? -1 : real made; \
    }
OPENS(open, (const char *a, int flags, ...), AT_FDCWD, a, (a, flags, mode))
OPENS(open64, (const char *a, int flags, ...), AT_FDCWD, a, (a, flags, mode))
OPENS(openat, (int d, const char *a, int flags, ...), d, a, (d, a, flags, mode))
OPENS(openat64, (int d, const char *a, int flags, ...), d, a, (d, a, flags, mode))
PLAIN(READ, __open_2, (const char *a, int flags), AT_FDCWD, a, (a, flags))
PLAIN(READ, __open64_2, (const char *a, int flags), AT_FDCWD, a, (a, flags))
PLAIN(READ, __openat_2, (int d, const char *a, int flags), d, a, (d, a, flags))
PLAIN(READ, __openat64_2, (int d, const char *a, int flags), d, a, (d, a, flags))
PLAIN(OPEN, creat, (const char *a, mode_t m), AT_FDCWD, a, (a, m))
PLAIN(OPEN, creat64, (const char *a, mode_t m), AT_FDCWD, a, (a, m))

static FILE *stream(const char *name, const char *call, const char *path, const char *mode) {
    FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, call);
    (void)name;
    return fate(strpbrk(mode, "wa+") ? OPEN : READ, call, AT_FDCWD, path) ? NULL : real(path, mode);
}
FILE *fopen(const char *path, const char *mode) { return stream(path, "fopen", path, mode); }
FILE *fopen64(const char *path, const char *mode) { return stream(path, "fopen64", path, mode); }

/* ---- writing: where a full disk or a kill comes, half of it may have been written */
static ssize_t halved(ssize_t done) {
    if (!shared->error)
        die();
    return done;
}
#define WRITES(name, parameters, fd, size, all, half) \
    ssize_t name parameters { \
        static ssize_t(*real) parameters; \
        if (!real) \
            real = dlsym(RTLD_NEXT, #name); \
        switch (fate(WRITE, #name, fd, NULL)) { \
        case 0: \
            return real all; \
        case 2: \
            if ((size) > 1) \
                return halved(real half); \
            if (!shared->error) \
                die(); \
            errno = shared->error; \
        } \
        return -1; \
    }
WRITES(write, (int fd, const void *b, size_t n), fd, n, (fd, b, n), (fd, b, n / 2))
WRITES(pwrite, (int fd, const void *b, size_t n, off_t o), fd, n, (fd, b, n, o), (fd, b, n / 2, o))
WRITES(pwrite64, (int fd, const void *b, size_t n, off64_t o), fd, n, (fd, b, n, o), (fd, b, n / 2, o))
WRITES(writev, (int fd, const struct iovec *v, int n), fd, n, (fd, v, n), (fd, v, n / 2))
WRITES(pwritev, (int fd, const struct iovec *v, int n, off_t o), fd, n, (fd, v, n, o), (fd, v, n / 2, o))
WRITES(sendfile, (int fd, int in, off_t *o, size_t n), fd, n, (fd, in, o, n), (fd, in, o, n / 2))
WRITES(sendfile64, (int fd, int in, off64_t *o, size_t n), fd, n, (fd, in, o, n), (fd, in, o, n / 2))
WRITES(copy_file_range, (int in, off64_t *i, int fd, off64_t *o, size_t n, unsigned f), fd, n,
       (in, i, fd, o, n, f), (in, i, fd, o, n / 2, f))

int posix_fallocate(int fd, off_t a, off_t n) {
    REAL(int, "posix_fallocate", int, off_t, off_t);
    return fate(WRITE, "posix_fallocate", fd, NULL) ? errno : real(fd, a, n);
}
int ioctl(int fd, unsigned long request, ...) {
    REAL(int, "ioctl", int, unsigned long, void *);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    /* FICLONE and FICLONERANGE */
    if ((request == 0x40049409 || request == 0x4020940d) && fate(WRITE, "ioctl", fd, NULL))
        return -1;
    return real(fd, request, argument);
}
