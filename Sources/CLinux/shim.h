// What Linux has for network namespaces, TUN devices and extended attributes, and Glibc's module does not show:
// see xattr(7), unshare(2), setns(2), netdevice(7), epoll(7), timerfd_create(2), signalfd(2) and the kernel's
// Documentation/networking/tuntap.rst. Every function returns -1 with errno set where it fails.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <linux/if_tun.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATOLL_CLONE_NEWNET 0x40000000

// renameat2(2) and fallocate(2) with flags.
static inline int atoll_rename(const char *from, const char *to, unsigned int flags) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}
static inline int atoll_fallocate(int file, int mode, int64_t offset, int64_t length) {
    return (int)syscall(SYS_fallocate, file, mode, offset, length);
}

// The calling thread alone moves to a new network namespace, or to that of the descriptor.
static inline int atoll_unshare_network(void) { return (int)syscall(SYS_unshare, ATOLL_CLONE_NEWNET); }
static inline int atoll_enter_network(int namespace_file) { return (int)syscall(SYS_setns, namespace_file, ATOLL_CLONE_NEWNET); }

// A TUN device of the calling thread's namespace, without packet information, that ends with the descriptor.
static inline int atoll_open_tun(const char *name) {
    int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(file, TUNSETIFF, &request) < 0) {
        int cause = errno;
        close(file);
        errno = cause;
        return -1;
    }
    return file;
}

static inline int atoll_interface_request(const char *name, unsigned long what, struct ifreq *request) {
    int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0) return -1;
    strncpy(request->ifr_name, name, IFNAMSIZ - 1);
    int result = ioctl(file, what, request);
    int cause = errno;
    close(file);
    errno = cause;
    return result;
}

// Address and mask in host byte order.
static inline int atoll_set_address(const char *name, uint32_t address, uint32_t mask) {
    unsigned long what[2] = {SIOCSIFADDR, SIOCSIFNETMASK};
    uint32_t value[2] = {address, mask};
    for (int i = 0; i < 2; i++) {
        struct ifreq request;
        memset(&request, 0, sizeof request);
        struct sockaddr_in *place = (struct sockaddr_in *)&request.ifr_addr;
        place->sin_family = AF_INET;
        place->sin_addr.s_addr = htonl(value[i]);
        if (atoll_interface_request(name, what[i], &request) < 0) return -1;
    }
    return 0;
}

static inline int atoll_set_mtu(const char *name, int bytes) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_mtu = bytes;
    return atoll_interface_request(name, SIOCSIFMTU, &request);
}

static inline int atoll_set_queue(const char *name, int packets) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_qlen = packets;
    return atoll_interface_request(name, SIOCSIFTXQLEN, &request);
}

static inline int atoll_set_up(const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (atoll_interface_request(name, SIOCGIFFLAGS, &request) < 0) return -1;
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    return atoll_interface_request(name, SIOCSIFFLAGS, &request);
}

static inline int atoll_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int atoll_epoll_add(int epoll, int file, uint64_t token) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.u64 = token;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event);
}

static inline int atoll_epoll_remove(int epoll, int file) { return epoll_ctl(epoll, EPOLL_CTL_DEL, file, 0); }

// The tokens of what can be read, at most 64.
static inline int atoll_epoll_wait(int epoll, uint64_t *tokens, int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, milliseconds);
    for (int i = 0; i < count; i++) tokens[i] = events[i].data.u64;
    return count;
}

static inline int atoll_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

// At that reading of CLOCK_MONOTONIC; 0 for never.
static inline int atoll_timer_set(int timer, int64_t nanoseconds) {
    struct itimerspec when;
    memset(&when, 0, sizeof when);
    when.it_value.tv_sec = nanoseconds / 1000000000;
    when.it_value.tv_nsec = nanoseconds % 1000000000;
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, 0);
}

// SIGTERM, SIGINT and SIGHUP as a descriptor; the calling thread and those it makes no longer take them otherwise.
static inline int atoll_stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, 0) < 0) return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

// The lowest of the real-time priorities: the process runs as soon as it is woken, before all ordinary ones.
static inline int atoll_run_promptly(void) {
    struct sched_param parameter;
    memset(&parameter, 0, sizeof parameter);
    parameter.sched_priority = 1;
    return sched_setscheduler(0, SCHED_RR, &parameter);
}
