/* A middlebox that ends TCP connections and opens its own: each side sees only its half.
 *
 *   split PORT
 *
 * Takes connections that the kernel has redirected here, and joins each to where it was meant to
 * go. Prints "up" when it listens; runs until it is killed. One thread a direction, buffers of the
 * kernel's own choice, bounded to what a small box has.
 */
#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES 16384
#define BUFFER_BYTES 65536

struct way {
    int from, to;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void bounded(int sock)
{
    int bytes = BUFFER_BYTES, on = 1;
    setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Until one side ends; then the other side is told. */
static void *carry(void *given)
{
    struct way *way = given;
    char piece[PIECE_BYTES];
    ssize_t length;

    while ((length = recv(way->from, piece, sizeof piece, 0)) > 0) {
        for (ssize_t done = 0; done < length;) {
            ssize_t sent = send(way->to, piece + done, (size_t)(length - done), MSG_NOSIGNAL);
            if (sent < 0) {
                shutdown(way->from, SHUT_RDWR);
                return NULL;
            }
            done += sent;
        }
    }
    shutdown(way->to, length == 0 ? SHUT_WR : SHUT_RDWR);
    return NULL;
}

static void *serve(void *given)
{
    int near = (int)(long)given;
    struct sockaddr_in meant;
    socklen_t size = sizeof meant;
    int far = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t other;

    if (far >= 0 && getsockopt(near, SOL_IP, SO_ORIGINAL_DST, &meant, &size) == 0) {
        bounded(near);
        bounded(far);
        if (connect(far, (struct sockaddr *)&meant, sizeof meant) == 0) {
            struct way up = {near, far}, down = {far, near};
            if (pthread_create(&other, NULL, carry, &up) == 0) {
                carry(&down);
                pthread_join(other, NULL);
            }
        } else {
            struct linger at_once = {1, 0}; /* the viewer sees a reset */
            setsockopt(near, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
    }
    close(near);
    if (far >= 0)
        close(far);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    int on = 1, listening = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 2) {
        fprintf(stderr, "usage: split PORT\n");
        return 2;
    }
    here.sin_port = htons((unsigned short)atoi(argv[1]));
    signal(SIGPIPE, SIG_IGN);
    if (listening < 0)
        die("socket");
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&here, sizeof here) < 0 || listen(listening, 64) < 0)
        die("bind");
    puts("up");
    fflush(stdout);
    for (;;) {
        int near = accept(listening, NULL, NULL);
        pthread_t one;
        if (near < 0)
            continue;
        if (pthread_create(&one, NULL, serve, (void *)(long)near) != 0)
            close(near);
        else
            pthread_detach(one);
    }
}
