/* Makes every sync of a process take longer, as on a slower disk: LD_PRELOAD this, SLOWSYNC_US=5000.
 * The delay comes on top of the real sync, which is still made.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static int delayed(const char *name, int descriptor)
{
    const char *microseconds = getenv("SLOWSYNC_US");
    if (microseconds != NULL)
        usleep((useconds_t)atoi(microseconds));
    return ((sync_function)dlsym(RTLD_NEXT, name))(descriptor);
}

int fsync(int descriptor) { return delayed("fsync", descriptor); }

int fdatasync(int descriptor) { return delayed("fdatasync", descriptor); }
