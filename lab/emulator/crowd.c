/* crowd: real TCP flows that load a path, and the sink that takes them.
 *
 *   crowd sink PORT
 *   crowd source ADDRESS PORT FLOWS SECONDS [MEAN_BYTES MEAN_PAUSE_MS SEED]
 *   crowd steady ADDRESS PORT BITS_PER_SECOND SECONDS
 *
 * The source keeps FLOWS connections busy for SECONDS, sending as fast as TCP lets it. With
 * MEAN_BYTES each flow ends after an exponentially drawn size and starts anew, on a new
 * connection, after an exponentially drawn pause: web-like load rather than bulk.
 * "steady" sends datagrams at a constant rate, as calls and television do: none heeds a loss.
 * The congestion control is the route's (ip route ... congctl cubic).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FLOWS 512
#define DATAGRAM_BYTES 1200
#define PACKET_BYTES (DATAGRAM_BYTES + 28)

static char zeros[65536];
static uint64_t state = 1;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static double exponential(double mean)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return -mean * log(1.0 - (double)((z ^ (z >> 31)) >> 11) * 0x1.0p-53);
}

/* For both families, or for IPv4 where there is no other. Datagrams are taken, and never read. */
static int listener_at(int port, int kind)
{
    struct sockaddr_in6 here6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, none = 0, streams = kind == SOCK_STREAM;
    int listener = socket(AF_INET6, kind | SOCK_NONBLOCK, 0);
    if (listener >= 0) {
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof none);
        if (!bind(listener, (struct sockaddr *)&here6, sizeof here6) &&
            (!streams || !listen(listener, 512)))
            return listener;
        close(listener);
    }
    listener = socket(AF_INET, kind | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 ||
        (streams && listen(listener, 512) < 0))
        return -1;
    return listener;
}

static int steady(const struct sockaddr *there, socklen_t length, double bps, double seconds)
{
    int fd = socket(there->sa_family, SOCK_DGRAM, 0);
    int64_t begin_ms = now_ms(), spent_ms;
    double sent_bits = 0;
    if (fd < 0 || bps <= 0)
        return 2;
    while ((spent_ms = now_ms() - begin_ms) < (int64_t)(seconds * 1000)) {
        for (; sent_bits < (double)spent_ms * bps / 1000; sent_bits += 8 * PACKET_BYTES)
            (void)!sendto(fd, zeros, DATAGRAM_BYTES, MSG_DONTWAIT, there, length);
        usleep(1000);
    }
    return 0;
}

static int sink(int port)
{
    struct epoll_event events[64], e = {.events = EPOLLIN};
    int poll_fd = epoll_create1(0), listener = listener_at(port, SOCK_STREAM);
    if (listener < 0 || listener_at(port, SOCK_DGRAM) < 0) {
        perror("crowd sink");
        return 1;
    }
    e.data.fd = listener;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(poll_fd, events, 64, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                if ((e.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                    epoll_ctl(poll_fd, EPOLL_CTL_ADD, e.data.fd, &e);
                continue;
            }
            /* MSG_TRUNC: TCP throws the bytes away without copying them. */
            ssize_t got = recv(fd, zeros, 1 << 20, MSG_TRUNC);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
                close(fd);
        }
    }
}

static struct {
    int fd;
    double left_bytes;
    int64_t start_ms;
} flows[MAX_FLOWS];

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && !strcmp(argv[1], "sink"))
        return sink(atoi(argv[2]));
    int is_steady = argc == 6 && !strcmp(argv[1], "steady");
    if (!is_steady && ((argc != 6 && argc != 9) || strcmp(argv[1], "source"))) {
        fprintf(stderr, "usage: crowd sink PORT | crowd source ADDRESS PORT FLOWS SECONDS "
                        "[MEAN_BYTES MEAN_PAUSE_MS SEED] | "
                        "crowd steady ADDRESS PORT BITS_PER_SECOND SECONDS\n");
        return 2;
    }
    struct sockaddr_in there4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    struct sockaddr_in6 there6 = {.sin6_family = AF_INET6, .sin6_port = there4.sin_port};
    int six = strchr(argv[2], ':') != NULL;
    struct sockaddr *there = six ? (struct sockaddr *)&there6 : (struct sockaddr *)&there4;
    socklen_t there_size = six ? sizeof there6 : sizeof there4;
    int family = six ? AF_INET6 : AF_INET;
    void *to = six ? (void *)&there6.sin6_addr : (void *)&there4.sin_addr;
    int count = atoi(argv[4]);
    int64_t end_ms = now_ms() + (int64_t)(atof(argv[5]) * 1000);
    double mean_bytes = argc == 9 ? atof(argv[6]) : 0, mean_pause = argc == 9 ? atof(argv[7]) : 0;
    if (argc == 9)
        state = strtoull(argv[8], NULL, 10);
    if (inet_pton(family, argv[2], to) == 1 && is_steady)
        return steady(there, there_size, atof(argv[4]), atof(argv[5]));
    if (inet_pton(family, argv[2], to) != 1 || count < 1 || count > MAX_FLOWS) {
        fprintf(stderr, "crowd: an address and 1 to %d flows\n", MAX_FLOWS);
        return 2;
    }
    int poll_fd = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        flows[i].fd = -1;
        flows[i].start_ms = now_ms() + (int64_t)(mean_pause > 0 ? exponential(mean_pause) : i * 5);
    }
    while (now_ms() < end_ms) {
        int64_t now = now_ms(), next = now + 100;
        for (int i = 0; i < count; i++) {
            if (flows[i].fd >= 0)
                continue;
            if (flows[i].start_ms > now) {
                if (flows[i].start_ms < next)
                    next = flows[i].start_ms;
                continue;
            }
            int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
            struct epoll_event e = {.events = EPOLLOUT, .data.u32 = (uint32_t)i};
            if (fd < 0 || (connect(fd, there, there_size) < 0 &&
                           errno != EINPROGRESS)) {
                if (fd >= 0)
                    close(fd);
                flows[i].start_ms = now + 500;
                continue;
            }
            flows[i].fd = fd;
            flows[i].left_bytes = mean_bytes > 0 ? exponential(mean_bytes) : 1e18;
            epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e);
        }
        struct epoll_event events[64];
        int n = epoll_wait(poll_fd, events, 64, (int)(next - now));
        for (int i = 0; i < n; i++) {
            uint32_t k = events[i].data.u32;
            size_t most = flows[k].left_bytes < sizeof zeros ? (size_t)flows[k].left_bytes + 1
                                                            : sizeof zeros;
            ssize_t sent = send(flows[k].fd, zeros, most, MSG_DONTWAIT);
            if (sent > 0)
                flows[k].left_bytes -= (double)sent;
            else if (sent < 0 && (errno == EAGAIN || errno == EINTR))
                continue;
            if (sent <= 0 || flows[k].left_bytes <= 0) {
                close(flows[k].fd);
                flows[k].fd = -1;
                flows[k].start_ms =
                    now_ms() + (int64_t)(sent <= 0 ? 500 : exponential(mean_pause));
            }
        }
    }
    return 0;
}
