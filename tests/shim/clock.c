/* A clock that is wrong: preloaded into a child process by a test.
 *
 *   WATCHROOM_CLOCK_SHIFT  a file that holds by how many seconds the time of day is off; it is read again ten times a
 *                          second, and clocks that only count up are left alone
 *
 * Built by the test: cc -shared -fPIC -O1 -o clock.so clock.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int (*clock_fn)(clockid_t, struct timespec *);

static clock_fn real(void) {
    static _Atomic(clock_fn) found;
    if (!found) found = (clock_fn)dlsym(RTLD_NEXT, "clock_gettime");
    return found;
}

static long shift(void) {
    static _Atomic long seconds, read_at = -1;
    struct timespec now;
    real()(CLOCK_MONOTONIC, &now);
    long tenth = now.tv_sec * 10 + now.tv_nsec / 100000000;
    if (atomic_exchange(&read_at, tenth) != tenth) {
        const char *path = getenv("WATCHROOM_CLOCK_SHIFT");
        char text[32];
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0) close(fd);
        if (n > 0) {
            text[n] = 0;
            seconds = atol(text);
        }
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = real()(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
