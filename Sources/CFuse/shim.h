// libfuse 3, its low-level API (fuse_lowlevel.h), and what Swift cannot write of it: structures with bit fields.
#pragma once
#define FUSE_USE_VERSION 34
#include <fuse3/fuse_lowlevel.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static inline int atoll_fuse_reply_open(fuse_req_t request, uint64_t handle, int keeps_cache) {
    struct fuse_file_info info;
    memset(&info, 0, sizeof info);
    info.fh = handle;
    info.keep_cache = keeps_cache != 0;
    return fuse_reply_open(request, &info);
}

static inline int atoll_fuse_reply_create(fuse_req_t request, const struct fuse_entry_param *entry, uint64_t handle) {
    struct fuse_file_info info;
    memset(&info, 0, sizeof info);
    info.fh = handle;
    return fuse_reply_create(request, entry, &info);
}

// Whether a RELEASE ends the flock of its open file.
static inline int atoll_fuse_ends_flock(const struct fuse_file_info *info) { return info->flock_release; }

static inline uint64_t atoll_fuse_device(uint32_t major_number, uint32_t minor_number) {
    return makedev(major_number, minor_number);
}
static inline uint32_t atoll_fuse_major(uint64_t device) { return major(device); }
static inline uint32_t atoll_fuse_minor(uint64_t device) { return minor(device); }

// Takes a mount away: at once though it is in use, or not at all where it is.
static inline int atoll_fuse_unmount(const char *path, int lazily) { return umount2(path, lazily ? MNT_DETACH : 0); }
