/* A disk that is slow, and full, for one folder: preloaded into a child process by a test.
 *
 *   SLOWDISK_DIR       the folder; files elsewhere are left alone
 *   SLOWDISK_FSYNC_MS  what each fsync of a file in it takes
 *   SLOWDISK_SLOW      if set, only while a file of this name exists
 *   SLOWDISK_FULL      while a file of this name exists, writes in the folder fail with ENOSPC
 *
 * Built by the test: cc -shared -fPIC -O1 -o slowdisk.so slowdisk.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int is_ours(int fd) {
    const char *dir = getenv("SLOWDISK_DIR");
    char link[64], path[4096];
    if (!dir) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strncmp(path, dir, strlen(dir)) == 0;
}

static int is_full(int fd) {
    const char *control = getenv("SLOWDISK_FULL");
    return control && access(control, F_OK) == 0 && is_ours(fd);
}

static void delay(int fd) {
    const char *ms = getenv("SLOWDISK_FSYNC_MS");
    const char *control = getenv("SLOWDISK_SLOW");
    if (!ms || !is_ours(fd) || (control && access(control, F_OK) != 0)) return;
    struct timespec wait = {atoi(ms) / 1000, (atoi(ms) % 1000) * 1000000L};
    while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {}
}

#define REAL(type, name) \
    static type real; \
    if (!real) real = (type)dlsym(RTLD_NEXT, name)

typedef int (*sync_fn)(int);
typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*truncate_fn)(int, off_t);
typedef int (*fallocate_fn)(int, int, off_t, off_t);
typedef int (*posix_fallocate_fn)(int, off_t, off_t);

int fsync(int fd) { REAL(sync_fn, "fsync"); delay(fd); return real(fd); }
int fdatasync(int fd) { REAL(sync_fn, "fdatasync"); delay(fd); return real(fd); }

ssize_t write(int fd, const void *from, size_t n) {
    REAL(write_fn, "write");
    if (is_full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, from, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
    REAL(pwrite_fn, "pwrite");
    if (is_full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, from, n, at);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off_t at) {
    REAL(pwrite_fn, "pwrite64");
    if (is_full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, from, n, at);
}

int ftruncate(int fd, off_t n) {
    REAL(truncate_fn, "ftruncate");
    if (is_full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, n);
}

int ftruncate64(int fd, off_t n) {
    REAL(truncate_fn, "ftruncate64");
    if (is_full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, n);
}

int fallocate(int fd, int mode, off_t at, off_t n) {
    REAL(fallocate_fn, "fallocate");
    if (is_full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, mode, at, n);
}

int posix_fallocate(int fd, off_t at, off_t n) {
    REAL(posix_fallocate_fn, "posix_fallocate");
    if (is_full(fd)) return ENOSPC;
    return real(fd, at, n);
}
