/* link: emulates network links between namespaces.
 *
 * Each link joins two TUN devices, one in each namespace. A direction of it is, in this order:
 * outage, policer (token bucket, drops), drop-tail queue or CoDel (RFC 8289), transmitter of a
 * given rate, random loss (independent, or in bursts after Gilbert and Elliott), base delay and
 * jitter (never reordering). The queue is served in computed time: a transmission starts when
 * the one before it ended, not when the process woke up, so that lateness of this process delays
 * single packets but never bends a rate. What lateness there was is counted and reported.
 *
 * A direction can have a lane beside it, with settings and a queue of its own, that takes the
 * packets which fit its description: long ones, those of one host or of TCP, a share of the flows.
 * So only a part of what passes meets a fault: a parallel link, one service's class, a black hole.
 *
 * One process serves all links of a run. It is told what to do by lines on standard input and
 * answers each with one line on standard output: "ok ..." or "err ...". End of input ends it,
 * and with it the devices. See docs/lab.md for the lines.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINKS 32
#define MAX_PACKET 2048
#define MAX_PENDING 8192
#define BATCH 64
#define MAX_WORDS 64
#define NEVER INT64_MAX
#define HEARTBEAT_NS 10000000LL
#define MTU_BYTES 1500
#define WAYS 4

typedef int64_t ns_t;

struct packet {
    struct packet *next;
    ns_t queued_ns;  /* when it came in */
    ns_t release_ns; /* when it is due at the far end */
    int length;
    unsigned char data[MAX_PACKET];
};

struct fifo {
    struct packet *head, *tail;
    int64_t bytes, packets;
};

struct direction {
    /* what was asked */
    double rate_bps; /* 0: no limit */
    int64_t queue_bytes, queue_packets; /* 0 packets: as many as the bytes let in */
    double delay_ns, jitter_ns;
    double loss;                            /* independent, share of packets */
    double to_bad, to_good, bad_loss;       /* Gilbert-Elliott, per packet */
    double police_bps, police_burst_bytes;  /* 0: no policer */
    int codel, outage;
    double codel_target_ns, codel_interval_ns;
    /* of a lane: the packets that take it; all that is set must fit, nothing set takes none */
    double take_share;
    int64_t take_over_bytes;
    uint32_t take_host; /* source, IPv4 */
    int take_tcp, opened;
    /* state */
    struct fifo queue, line;
    struct packet *sending;
    double sending_bits; /* left to send at sending_from_ns */
    ns_t sending_from_ns, last_release_ns, next_ns;
    double tokens_bytes;
    ns_t tokens_ns;
    int bad;
    ns_t first_above_ns, drop_next_ns;
    int dropping, drop_count, last_drop_count;
    uint64_t seed;
    /* counters since the last report */
    int64_t in, out, out_bytes, drop_queue, drop_aqm, drop_loss, drop_police, drop_outage, failed;
    ns_t sojourn_max_ns;
    double sojourn_sum_ns;
};

struct link {
    char name[32];
    int fd[3]; /* near end, far end, neighbour on the near end's medium (or -1) */
    unsigned char shared_net[16]; /* the neighbour's prefix */
    int shared_bits, shared_six;
    int ways; /* 2, or with lanes WAYS */
    struct direction dir[WAYS]; /* 0: near to far ("up"), 1: far to near ("down"), then their lanes */
};

static struct link links[MAX_LINKS];
static int link_count;
static struct packet *free_packets;
static uint64_t run_seed = 1;
static int epoll_fd;

/* Lateness, in buckets of an eighth of an octave above 1 microsecond. */
#define BUCKETS 256
struct lateness {
    int64_t count[BUCKETS], total;
    ns_t max_ns;
};
static struct lateness release_late, wake_late;

static struct {
    ns_t at_ns;
    char line[512];
} pending[MAX_PENDING];
static int pending_count; /* sorted, latest first */

static ns_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (ns_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void note(struct lateness *l, ns_t late_ns)
{
    int bucket = 0;
    if (late_ns > l->max_ns)
        l->max_ns = late_ns;
    if (late_ns > 1000)
        bucket = (int)(log2((double)late_ns / 1000.0) * 8.0) + 1;
    if (bucket >= BUCKETS)
        bucket = BUCKETS - 1;
    l->count[bucket]++;
    l->total++;
}

static double percentile_ns(const struct lateness *l, double share)
{
    int64_t seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += l->count[i];
        if (seen && (double)seen >= share * (double)l->total)
            return i ? 1000.0 * exp2(i / 8.0) : 1000.0;
    }
    return 0;
}

/* splitmix64, one stream a direction: the same seed gives the same losses. */
static double draw(struct direction *d)
{
    uint64_t z = (d->seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

static struct packet *take_packet(void)
{
    struct packet *p = free_packets;
    if (p)
        free_packets = p->next;
    else if (!(p = malloc(sizeof *p))) {
        munlockall(); /* an ordinary user may lock so much and no more: faults are less harm */
        if (!(p = malloc(sizeof *p)))
            abort();
    }
    p->next = NULL;
    return p;
}

static void give_back(struct packet *p)
{
    p->next = free_packets;
    free_packets = p;
}

static void push(struct fifo *f, struct packet *p)
{
    p->next = NULL;
    if (f->tail)
        f->tail->next = p;
    else
        f->head = p;
    f->tail = p;
    f->bytes += p->length;
    f->packets++;
}

static struct packet *pop(struct fifo *f)
{
    struct packet *p = f->head;
    if (!p)
        return NULL;
    f->head = p->next;
    if (!f->head)
        f->tail = NULL;
    f->bytes -= p->length;
    f->packets--;
    return p;
}

/* CoDel, RFC 8289 section 5: `at` is when the transmitter wants its next packet. */
static struct packet *codel_pop(struct direction *d, ns_t at, int *may_drop)
{
    struct packet *p = pop(&d->queue);
    *may_drop = 0;
    if (!p) {
        d->first_above_ns = 0;
        return NULL;
    }
    if ((double)(at - p->queued_ns) < d->codel_target_ns || d->queue.bytes <= MTU_BYTES) {
        d->first_above_ns = 0;
    } else if (!d->first_above_ns) {
        d->first_above_ns = at + (ns_t)d->codel_interval_ns;
    } else if (at >= d->first_above_ns) {
        *may_drop = 1;
    }
    return p;
}

static ns_t codel_step(const struct direction *d, ns_t from)
{
    return from + (ns_t)(d->codel_interval_ns / sqrt(d->drop_count > 0 ? d->drop_count : 1));
}

static struct packet *next_packet(struct direction *d, ns_t at)
{
    int may_drop;
    struct packet *p;
    if (!d->codel)
        return pop(&d->queue);
    p = codel_pop(d, at, &may_drop);
    if (!p) {
        d->dropping = 0;
        return NULL;
    }
    if (d->dropping) {
        if (!may_drop)
            d->dropping = 0;
        while (d->dropping && at >= d->drop_next_ns) {
            give_back(p);
            d->drop_aqm++;
            d->drop_count++;
            p = codel_pop(d, at, &may_drop);
            if (!p || !may_drop)
                d->dropping = 0;
            else
                d->drop_next_ns = codel_step(d, d->drop_next_ns);
        }
    } else if (may_drop) {
        int delta = d->drop_count - d->last_drop_count;
        give_back(p);
        d->drop_aqm++;
        p = codel_pop(d, at, &may_drop);
        d->dropping = 1;
        d->drop_count =
            delta > 1 && (double)(at - d->drop_next_ns) < 16 * d->codel_interval_ns ? delta : 1;
        d->drop_next_ns = codel_step(d, at);
        d->last_drop_count = d->drop_count;
    }
    return p;
}

/* The packet has left the transmitter: it is lost on the line, or due after the delay. */
static void onto_line(struct direction *d, struct packet *p, ns_t at)
{
    double lost = d->loss;
    if (d->to_bad > 0) {
        if (draw(d) < (d->bad ? d->to_good : d->to_bad))
            d->bad = !d->bad;
        if (d->bad)
            lost = d->bad_loss;
    }
    if (lost > 0 && draw(d) < lost) {
        d->drop_loss++;
        give_back(p);
        return;
    }
    ns_t due = at + (ns_t)(d->delay_ns + (d->jitter_ns > 0 ? draw(d) * d->jitter_ns : 0));
    if (due < d->last_release_ns)
        due = d->last_release_ns;
    d->last_release_ns = p->release_ns = due;
    push(&d->line, p);
}

static void start_sending(struct direction *d, struct packet *p, ns_t at)
{
    ns_t waited = at - p->queued_ns;
    if (waited > d->sojourn_max_ns)
        d->sojourn_max_ns = waited;
    d->sojourn_sum_ns += (double)waited;
    d->sending = p;
    d->sending_bits = p->length * 8.0;
    d->sending_from_ns = at;
}

static ns_t sending_until(const struct direction *d)
{
    if (d->rate_bps <= 0)
        return d->sending_from_ns;
    double left = d->sending_bits * 1e9 / d->rate_bps;
    return left > 1e17 ? NEVER : d->sending_from_ns + (ns_t)left;
}

/* Bring the transmitter up to `now`. */
static void advance(struct direction *d, ns_t now)
{
    while (d->sending) {
        ns_t done = sending_until(d);
        if (done > now)
            return;
        onto_line(d, d->sending, done);
        d->sending = NULL;
        struct packet *p = next_packet(d, done);
        if (p)
            start_sending(d, p, done);
    }
}

static void plan_next(struct direction *d)
{
    ns_t next = d->line.head ? d->line.head->release_ns : NEVER;
    if (d->sending) {
        ns_t done = sending_until(d);
        if (done < next)
            next = done;
    }
    d->next_ns = next;
}

static void enter(struct direction *d, struct packet *p, ns_t now)
{
    d->in++;
    p->queued_ns = now;
    if (d->outage) {
        d->drop_outage++;
        give_back(p);
        return;
    }
    if (d->police_bps > 0) {
        d->tokens_bytes += (double)(now - d->tokens_ns) * d->police_bps / 8e9;
        d->tokens_ns = now;
        if (d->tokens_bytes > d->police_burst_bytes)
            d->tokens_bytes = d->police_burst_bytes;
        if (d->tokens_bytes < p->length) {
            d->drop_police++;
            give_back(p);
            return;
        }
        d->tokens_bytes -= p->length;
    }
    advance(d, now);
    if (!d->sending) {
        start_sending(d, p, now);
        advance(d, now);
    } else if (d->queue.bytes + p->length > d->queue_bytes ||
               (d->queue_packets && d->queue.packets >= d->queue_packets)) {
        d->drop_queue++;
        give_back(p);
    } else {
        push(&d->queue, p);
    }
    plan_next(d);
}

static int in_prefix(const unsigned char *address, const unsigned char *net, int bits)
{
    int whole = bits / 8, left = bits % 8;
    return !memcmp(address, net, (size_t)whole) &&
           (!left || !((address[whole] ^ net[whole]) & (0xff00 >> left)));
}

/* A share of the flows, as routers choose among equal ways: by addresses, protocol and, of TCP and
 * UDP, ports (FNV-1a). The same flow always goes the same way. */
static double share_of(const struct packet *p)
{
    int six = p->data[0] >> 4 == 6, at = six ? 8 : 12, length = six ? 32 : 8;
    int protocol = p->data[six ? 6 : 9], ports = six ? 40 : 4 * (p->data[0] & 15);
    uint64_t h = 0xcbf29ce484222325ULL ^ run_seed;
    for (int i = 0; i < length; i++)
        h = (h ^ p->data[at + i]) * 0x100000001b3ULL;
    h = (h ^ (uint64_t)protocol) * 0x100000001b3ULL;
    if ((protocol == 6 || protocol == 17) && p->length >= ports + 4)
        for (int i = 0; i < 4; i++)
            h = (h ^ p->data[ports + i]) * 0x100000001b3ULL;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9ULL;
    return (double)(h >> 11) * 0x1.0p-53;
}

static int takes(const struct direction *lane, const struct packet *p)
{
    int six = p->data[0] >> 4 == 6;
    if (!lane->take_share && !lane->take_over_bytes && !lane->take_host && !lane->take_tcp)
        return 0;
    if (p->length < (six ? 40 : 20) || p->length <= lane->take_over_bytes)
        return 0;
    if (lane->take_tcp && p->data[six ? 6 : 9] != 6)
        return 0;
    if (lane->take_host) {
        uint32_t source;
        memcpy(&source, p->data + 12, sizeof source);
        if (six || ntohl(source) != lane->take_host)
            return 0;
    }
    return !lane->take_share || share_of(p) < lane->take_share;
}

static int exit_for(const struct link *l, int which, const struct packet *p)
{
    if (which % 2 == 0)
        return l->fd[1];
    if (l->fd[2] >= 0) {
        int six = p->data[0] >> 4 == 6, at = six ? 24 : 16;
        if (six == l->shared_six && p->length >= (six ? 40 : 20) &&
            in_prefix(p->data + at, l->shared_net, l->shared_bits))
            return l->fd[2];
    }
    return l->fd[0];
}

static void run_direction(struct link *l, int which, ns_t now)
{
    struct direction *d = &l->dir[which];
    advance(d, now);
    while (d->line.head && d->line.head->release_ns <= now) {
        struct packet *p = pop(&d->line);
        note(&release_late, now_ns() - p->release_ns);
        if (d->outage) {
            d->drop_outage++; /* what was in flight when the line broke */
        } else if (write(exit_for(l, which, p), p->data, (size_t)p->length) == p->length) {
            d->out++;
            d->out_bytes += p->length;
        } else {
            d->failed++;
        }
        give_back(p);
    }
    plan_next(d);
}

static void read_device(struct link *l, int end)
{
    struct direction *d = &l->dir[end == 1], *lane = &l->dir[2 + (end == 1)];
    for (int i = 0; i < BATCH; i++) {
        struct packet *p = take_packet();
        ssize_t n = read(l->fd[end], p->data, MAX_PACKET);
        if (n <= 0) {
            give_back(p);
            return;
        }
        p->length = (int)n;
        enter(takes(lane, p) ? lane : d, p, now_ns());
    }
}

static int open_device(const char *ns, const char *name)
{
    char path[160];
    struct ifreq request;
    int home, there, fd;
    if ((home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
        return -1;
    snprintf(path, sizeof path, "/run/netns/%s", ns);
    if ((there = open(path, O_RDONLY | O_CLOEXEC)) < 0 || setns(there, CLONE_NEWNET) < 0) {
        close(home);
        return -1;
    }
    close(there);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) < 0) {
        close(fd);
        fd = -1;
    }
    if (setns(home, CLONE_NEWNET) < 0)
        abort();
    close(home);
    return fd;
}

static int watch_device(int link_index, int end)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)(link_index * 4 + end)};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, links[link_index].fd[end], &e);
}

static void answer(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static struct link *find(const char *name)
{
    for (int i = 0; i < link_count; i++)
        if (!strcmp(links[i].name, name))
            return &links[i];
    return NULL;
}

static void cmd_link(char **w, int n)
{
    struct link *l = &links[link_count];
    if (n != 6 || strlen(w[1]) >= sizeof l->name || find(w[1])) {
        answer("err link NAME NS DEV NS DEV, each name once");
        return;
    }
    if (link_count == MAX_LINKS) {
        answer("err at most %d links", MAX_LINKS);
        return;
    }
    memset(l, 0, sizeof *l);
    strcpy(l->name, w[1]);
    l->ways = 2;
    l->fd[2] = -1;
    for (int end = 0; end < 2; end++) {
        if ((l->fd[end] = open_device(w[2 + 2 * end], w[3 + 2 * end])) < 0) {
            answer("err %s in %s: %s", w[3 + 2 * end], w[2 + 2 * end], strerror(errno));
            if (end)
                close(l->fd[0]);
            return;
        }
    }
    for (int i = 0; i < WAYS; i++) {
        l->dir[i].queue_bytes = 1000000;
        l->dir[i].next_ns = NEVER;
        l->dir[i].codel_target_ns = 5e6;
        l->dir[i].codel_interval_ns = 100e6;
        l->dir[i].seed = run_seed * 1000003ULL + (uint64_t)(link_count * 2 + i % 2);
        if (i >= 2)
            l->dir[i].seed ^= 0x5bd1e995ULL << 32;
    }
    for (int end = 0; end < 2; end++)
        watch_device(link_count, end);
    link_count++;
    answer("ok");
}

static void cmd_share(char **w, int n)
{
    struct link *l = n == 5 ? find(w[1]) : NULL;
    char *slash = n == 5 ? strchr(w[4], '/') : NULL;
    if (!l || !slash || l->fd[2] >= 0) {
        answer("err share NAME NS DEV PREFIX, once a link");
        return;
    }
    int bits = atoi(slash + 1);
    *slash = 0;
    int six = strchr(w[4], ':') != NULL;
    if (bits < 1 || bits > (six ? 128 : 32) ||
        inet_pton(six ? AF_INET6 : AF_INET, w[4], l->shared_net) != 1) {
        answer("err bad prefix");
        return;
    }
    l->shared_bits = bits;
    l->shared_six = six;
    if ((l->fd[2] = open_device(w[2], w[3])) < 0) {
        answer("err %s in %s: %s", w[3], w[2], strerror(errno));
        return;
    }
    watch_device((int)(l - links), 2);
    answer("ok");
}

static const char *set_one(struct direction *d, const char *key, double v, ns_t now)
{
    advance(d, now);
    if (!strcmp(key, "rate_bps")) {
        if (d->sending && d->rate_bps > 0) {
            d->sending_bits -= (double)(now - d->sending_from_ns) * d->rate_bps / 1e9;
            if (d->sending_bits < 0)
                d->sending_bits = 0;
        }
        d->sending_from_ns = now;
        d->rate_bps = v;
    } else if (!strcmp(key, "queue_bytes")) {
        d->queue_bytes = (int64_t)v;
    } else if (!strcmp(key, "queue_packets")) {
        d->queue_packets = (int64_t)v;
    } else if (!strcmp(key, "queue_ms")) { /* of the rate as it is now */
        d->queue_bytes = (int64_t)(d->rate_bps * v / 8000.0);
        if (d->queue_bytes < 2 * MTU_BYTES)
            d->queue_bytes = 2 * MTU_BYTES;
    } else if (!strcmp(key, "delay_ms")) {
        d->delay_ns = v * 1e6;
    } else if (!strcmp(key, "jitter_ms")) {
        d->jitter_ns = v * 1e6;
    } else if (!strcmp(key, "loss")) {
        d->loss = v;
    } else if (!strcmp(key, "to_bad")) {
        d->to_bad = v;
    } else if (!strcmp(key, "to_good")) {
        d->to_good = v;
    } else if (!strcmp(key, "bad_loss")) {
        d->bad_loss = v;
    } else if (!strcmp(key, "police_bps")) {
        d->police_bps = v;
        d->tokens_bytes = d->police_burst_bytes;
        d->tokens_ns = now;
    } else if (!strcmp(key, "police_burst_bytes")) {
        d->police_burst_bytes = v;
        d->tokens_bytes = v;
        d->tokens_ns = now;
    } else if (!strcmp(key, "codel")) {
        d->codel = v != 0;
    } else if (!strcmp(key, "codel_target_ms")) {
        d->codel_target_ns = v * 1e6;
    } else if (!strcmp(key, "codel_interval_ms")) {
        d->codel_interval_ns = v * 1e6;
    } else if (!strcmp(key, "take_share")) {
        d->take_share = v;
    } else if (!strcmp(key, "take_over_bytes")) {
        d->take_over_bytes = (int64_t)v;
    } else if (!strcmp(key, "take_host")) {
        if (v > UINT32_MAX)
            return "not an IPv4 address";
        d->take_host = (uint32_t)v;
    } else if (!strcmp(key, "take_tcp")) {
        d->take_tcp = v != 0;
    } else if (!strcmp(key, "outage")) {
        d->outage = v != 0;
        if (d->outage) {
            struct packet *p;
            while ((p = pop(&d->queue))) {
                d->drop_outage++;
                give_back(p);
            }
        }
    } else {
        return "unknown setting";
    }
    plan_next(d);
    return NULL;
}

/* A lane begins as one like the direction that it is beside. */
static void open_lane(struct direction *lane, const struct direction *beside)
{
    if (lane->opened)
        return;
    lane->opened = 1;
    lane->rate_bps = beside->rate_bps;
    lane->queue_bytes = beside->queue_bytes;
    lane->queue_packets = beside->queue_packets;
    lane->delay_ns = beside->delay_ns;
    lane->jitter_ns = beside->jitter_ns;
    lane->codel = beside->codel;
}

/* set LINK.up|LINK.down|LINK.both KEY=NUMBER... ; all or nothing is not promised, the answer says. */
static const char *do_set(char **w, int n)
{
    char *dot = n >= 3 ? strrchr(w[1], '.') : NULL, *way;
    struct link *l;
    int first, last, lane;
    if (!dot || n == MAX_WORDS)
        return "set LINK.[lane_]up|down|both KEY=NUMBER...";
    *dot = 0;
    if (!(l = find(w[1])))
        return "no such link";
    lane = strncmp(dot + 1, "lane_", 5) ? 0 : 2;
    way = dot + 1 + (lane ? 5 : 0);
    first = lane + (strcmp(way, "down") ? 0 : 1);
    last = lane + (strcmp(way, "up") ? 1 : 0);
    for (int k = first; lane && k <= last; k++)
        open_lane(&l->dir[k], &l->dir[k - 2]);
    if (lane)
        l->ways = WAYS;
    for (int i = 2; i < n; i++) {
        char *equals = strchr(w[i], '='), *end;
        if (!equals)
            return "KEY=NUMBER";
        *equals = 0;
        double v = strtod(equals + 1, &end);
        if (*end || end == equals + 1 || !(v >= 0 && v <= 1e12))
            return "not a number from 0 to 1e12";
        for (int k = first; k <= last; k++) {
            const char *wrong = set_one(&l->dir[k], w[i], v, now_ns());
            if (wrong)
                return wrong;
        }
    }
    return NULL;
}

static int split(char *line, char **w, int most)
{
    int n = 0;
    char *rest = NULL;
    for (char *t = strtok_r(line, " \t\r\n", &rest); t && n < most; t = strtok_r(NULL, " \t\r\n", &rest))
        w[n++] = t;
    return n;
}

static void cmd_at(char *line)
{
    char *end;
    ns_t at = strtoll(line, &end, 10);
    while (*end == ' ')
        end++;
    if (pending_count == MAX_PENDING || strncmp(end, "set ", 4) || strlen(end) >= 512) {
        answer("err at NANOSECONDS set ..., at most %d waiting", MAX_PENDING);
        return;
    }
    int i = pending_count++;
    while (i > 0 && pending[i - 1].at_ns <= at) {
        pending[i] = pending[i - 1];
        i--;
    }
    pending[i].at_ns = at;
    strcpy(pending[i].line, end);
    answer("ok");
}

static void report(void)
{
    printf("ok {\"release_late_max_ms\":%.3f,\"release_late_p99_ms\":%.3f,\"wake_late_max_ms\":%.3f,"
           "\"wake_late_p99_ms\":%.3f,\"released\":%" PRId64 ",\"links\":{",
           (double)release_late.max_ns / 1e6, percentile_ns(&release_late, 0.99) / 1e6,
           (double)wake_late.max_ns / 1e6, percentile_ns(&wake_late, 0.99) / 1e6,
           release_late.total);
    for (int i = 0; i < link_count; i++) {
        printf("%s\"%s\":{", i ? "," : "", links[i].name);
        for (int k = 0; k < WAYS; k++) {
            static const char *const names[] = {"up", "down", "lane_up", "lane_down"};
            struct direction *d = &links[i].dir[k];
            if (k >= 2 && !d->opened)
                continue;
            int64_t sent = d->in - d->drop_queue - d->drop_aqm - d->drop_police - d->drop_outage;
            printf("%s\"%s\":{\"in\":%" PRId64 ",\"out\":%" PRId64 ",\"out_bytes\":%" PRId64
                   ",\"drop_queue\":%" PRId64 ",\"drop_aqm\":%" PRId64 ",\"drop_loss\":%" PRId64
                   ",\"drop_police\":%" PRId64 ",\"drop_outage\":%" PRId64 ",\"failed\":%" PRId64
                   ",\"queue_bytes\":%" PRId64 ",\"wait_max_ms\":%.3f,\"wait_mean_ms\":%.3f}",
                   k ? "," : "", names[k], d->in, d->out, d->out_bytes, d->drop_queue,
                   d->drop_aqm, d->drop_loss, d->drop_police, d->drop_outage, d->failed,
                   d->queue.bytes, (double)d->sojourn_max_ns / 1e6,
                   sent > 0 ? d->sojourn_sum_ns / 1e6 / (double)sent : 0.0);
        }
        printf("}");
    }
    printf("}}\n");
    fflush(stdout);
}

static void reset_counters(void)
{
    memset(&release_late, 0, sizeof release_late);
    memset(&wake_late, 0, sizeof wake_late);
    for (int i = 0; i < link_count; i++)
        for (int k = 0; k < WAYS; k++) {
            struct direction *d = &links[i].dir[k];
            d->in = d->out = d->out_bytes = d->drop_queue = d->drop_aqm = d->drop_loss = 0;
            d->drop_police = d->drop_outage = d->failed = 0;
            d->sojourn_max_ns = 0;
            d->sojourn_sum_ns = 0;
        }
    answer("ok");
}

static void obey(char *line)
{
    char *w[MAX_WORDS];
    if (!strncmp(line, "at ", 3)) {
        cmd_at(line + 3);
        return;
    }
    int n = split(line, w, MAX_WORDS);
    if (!n) {
        answer("err empty line");
    } else if (!strcmp(w[0], "link")) {
        cmd_link(w, n);
    } else if (!strcmp(w[0], "share")) {
        cmd_share(w, n);
    } else if (!strcmp(w[0], "set")) {
        const char *wrong = do_set(w, n);
        answer(wrong ? "err %s" : "ok", wrong);
    } else if (!strcmp(w[0], "seed") && n == 2) {
        run_seed = strtoull(w[1], NULL, 10);
        answer("ok");
    } else if (!strcmp(w[0], "report")) {
        report();
    } else if (!strcmp(w[0], "reset")) {
        reset_counters();
    } else {
        answer("err unknown command");
    }
}

/* Whole lines only; a line too long is an error and is skipped. */
static int read_commands(void)
{
    static char buffer[65536];
    static size_t filled;
    ssize_t n = read(0, buffer + filled, sizeof buffer - 1 - filled);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    filled += (size_t)n;
    for (;;) {
        char *end = memchr(buffer, '\n', filled);
        if (!end) {
            if (filled == sizeof buffer - 1) {
                answer("err line too long");
                filled = 0;
            }
            return 1;
        }
        *end = 0;
        size_t used = (size_t)(end - buffer) + 1;
        obey(buffer);
        memmove(buffer, buffer + used, filled - used);
        filled -= used;
    }
}

static void run_pending(ns_t now)
{
    while (pending_count && pending[pending_count - 1].at_ns <= now) {
        char *w[MAX_WORDS];
        pending_count--;
        note(&wake_late, now - pending[pending_count].at_ns);
        int n = split(pending[pending_count].line, w, MAX_WORDS);
        const char *wrong = do_set(w, n);
        if (wrong)
            fprintf(stderr, "scheduled setting failed: %s\n", wrong);
    }
}

/* What every user may: shorter turns, which come the sooner (from Linux 6.12 on; else nothing). On
 * a busy computer packets are half as late by it. A session of its own, and so an autogroup, was
 * tried as well: mostly better, and now and then late by half a second. */
static void ask_short_turns(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t turn_ns, deadline_ns, period_ns;
    } wish = {.size = sizeof wish, .policy = SCHED_OTHER, .turn_ns = 100000};
    wish.nice = getpriority(PRIO_PROCESS, 0);
    syscall(SYS_sched_setattr, 0, &wish, 0);
}

int main(void)
{
    struct sched_param real_time = {.sched_priority = 5};
    struct epoll_event control = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    struct epoll_event events[MAX_LINKS * 3 + 1];

    /* Punctuality: real-time class where allowed, no timer slack, no page faults later. */
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &real_time) < 0) {
        setpriority(PRIO_PROCESS, 0, -20);
        ask_short_turns();
    }
    prctl(PR_SET_TIMERSLACK, 1);
    mlockall(MCL_CURRENT | MCL_FUTURE);
    if ((epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return 1;
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &control) < 0)
        return 1;

    for (;;) {
        ns_t now = now_ns(), due = now + HEARTBEAT_NS;
        run_pending(now);
        if (pending_count && pending[pending_count - 1].at_ns < due)
            due = pending[pending_count - 1].at_ns;
        for (int i = 0; i < link_count; i++)
            for (int k = 0; k < links[i].ways; k++) {
                struct direction *d = &links[i].dir[k];
                if (d->next_ns <= now)
                    run_direction(&links[i], k, now);
                if (d->next_ns < due)
                    due = d->next_ns;
            }
        now = now_ns();
        ns_t wait = due > now ? due - now : 0;
        struct timespec t = {.tv_sec = wait / 1000000000LL, .tv_nsec = wait % 1000000000LL};
        int n = epoll_pwait2(epoll_fd, events, MAX_LINKS * 3 + 1, &t, NULL);
        if (n < 0 && errno != EINTR)
            return 1;
        if (n == 0 && wait)
            note(&wake_late, now_ns() - due);
        for (int i = 0; i < n; i++) {
            uint32_t which = events[i].data.u32;
            if (which != UINT32_MAX)
                read_device(&links[which / 4], (int)(which % 4));
            else if (!read_commands())
                return 0;
        }
    }
}
