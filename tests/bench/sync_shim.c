/* Preloaded into a process under measurement: makes every fsync and fdatasync as slow as a poor SD card, and counts
 * them with the time they took in a file that the bench maps too.
 *
 * BENCH_SYNC_US     microseconds that each call takes longer; 0 or unset: none.
 * BENCH_SYNC_STALL_S  every so many seconds one call takes two seconds longer, as a card does that moves its blocks; 0: none.
 * BENCH_SYNC_TALLY  a file of at least 16 bytes: two native 64-bit numbers, calls and nanoseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct tally {
    _Atomic uint64_t calls;
    _Atomic uint64_t nanoseconds;
};

typedef int (*sync_call)(int);

static sync_call real_fsync, real_fdatasync;
static struct tally *tally;
static long slower_us, stall_every_s;
static _Atomic int64_t stall_at_ns;

#define STALL_NS INT64_C(2000000000)

__attribute__((constructor)) static void prepare(void)
{
    const char *slower = getenv("BENCH_SYNC_US"), *path = getenv("BENCH_SYNC_TALLY");
    real_fsync = (sync_call)dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (sync_call)dlsym(RTLD_NEXT, "fdatasync");
    slower_us = slower ? atol(slower) : 0;
    const char *stall = getenv("BENCH_SYNC_STALL_S");
    stall_every_s = stall ? atol(stall) : 0;
    if (path) {
        int file = open(path, O_RDWR | O_CLOEXEC);
        if (file >= 0) {
            void *shared = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            tally = shared == MAP_FAILED ? NULL : shared;
            close(file);
        }
    }
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void rest(int64_t nanoseconds)
{
    struct timespec left = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

static int measured(sync_call call, int file)
{
    int64_t began_ns = now_ns();
    int result = call(file), error = errno;
    if (slower_us > 0)
        rest(slower_us * INT64_C(1000));
    int64_t due_ns = atomic_load(&stall_at_ns);
    if (stall_every_s > 0 && began_ns >= due_ns) {
        int64_t next_ns = began_ns + STALL_NS + stall_every_s * INT64_C(1000000000);
        if (atomic_compare_exchange_strong(&stall_at_ns, &due_ns, next_ns))
            rest(STALL_NS);
    }
    if (tally) {
        atomic_fetch_add(&tally->nanoseconds, (uint64_t)(now_ns() - began_ns));
        atomic_fetch_add(&tally->calls, 1);
    }
    errno = error;
    return result;
}

int fsync(int file) { return measured(real_fsync, file); }

int fdatasync(int file) { return measured(real_fdatasync, file); }
