/* A VPN's data path without its cryptography: IP packets of a TUN device, each in one UDP packet.
 *
 *   tunnel DEVICE LOCAL_ADDRESS PORT [PEER_ADDRESS]
 *
 * Without PEER_ADDRESS it is the server: its peer is whoever sent last. Prints "up" when the device
 * is there; runs until it is killed. What can't be sent at once is lost, as in any VPN.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_BYTES 65536
#define BURST 64

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *text, int port)
{
    struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    if (inet_pton(AF_INET, text, &made.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", text);
        exit(2);
    }
    return made;
}

int main(int argc, char **argv)
{
    static char packet[MOST_BYTES];
    struct ifreq wanted = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    struct sockaddr_in local, peer = {.sin_family = AF_UNSPEC};

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: tunnel DEVICE LOCAL_ADDRESS PORT [PEER_ADDRESS]\n");
        return 2;
    }
    local = address(argv[2], atoi(argv[3]));
    if (argc == 5)
        peer = address(argv[4], atoi(argv[3]));
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tun < 0)
        die("/dev/net/tun");
    snprintf(wanted.ifr_name, sizeof wanted.ifr_name, "%s", argv[1]);
    if (ioctl(tun, TUNSETIFF, &wanted) < 0)
        die("TUNSETIFF");
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int buffer_bytes = 4 << 20;
    if (udp < 0)
        die("socket");
    /* As much as the machine allows; the machine's root more. */
    setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(udp, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(udp, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    if (bind(udp, (struct sockaddr *)&local, sizeof local) < 0)
        die("bind");
    puts("up");
    fflush(stdout);

    struct pollfd ends[2] = {{.fd = tun, .events = POLLIN}, {.fd = udp, .events = POLLIN}};
    for (;;) {
        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            die("poll");
        for (int i = 0; i < BURST; i++) {
            ssize_t length = read(tun, packet, sizeof packet);
            if (length <= 0)
                break;
            if (peer.sin_family == AF_INET &&
                sendto(udp, packet, (size_t)length, 0, (struct sockaddr *)&peer, sizeof peer) < 0)
                continue; /* lost: no route, or no room */
        }
        for (int i = 0; i < BURST; i++) {
            struct sockaddr_in from;
            socklen_t size = sizeof from;
            ssize_t length =
                recvfrom(udp, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
            if (length < 0 && errno == EAGAIN)
                break;
            if (length <= 0)
                continue; /* an ICMP error of a packet before */
            if (argc == 4)
                peer = from;
            if (write(tun, packet, (size_t)length) < 0)
                continue; /* lost */
        }
    }
}
