/*
 * Load for the data-plane benchmark: sends through one router at a time, from a client's namespace to a VM's, and says
 * how much of it arrived and what processor time that took. One thread on one processor does all: a veth device hands
 * a packet over within the system call that sends it, so the thread's own processor time is the whole path's.
 *
 *   load [LABEL CLIENT ROUTER VM CLIENT_MAC ROUTER_MAC FIRST_ADDRESS FORWARDINGS]...
 *
 * CLIENT, ROUTER and VM are names of namespaces under /run/netns. Forwarding i is port 1024 + i % 1000 of the address
 * FIRST_ADDRESS + i / 1000. Then it takes orders from its input, a line each, and answers each with a line of JSON:
 *
 *   tcp LABEL MS    new connections: connect, accept, close by reset
 *   udp LABEL MS    datagrams, each the first of its flow, sent as frames so that the client's own stack costs nothing
 *   scan LABEL MS   TCP SYNs to ports of the addresses that lead nowhere, sent as frames
 *
 * "sent" is what was sent, "arrived" what reached the VM: connections accepted, or packets; "answered" the packets that
 * came back to the client. After each order the router's connections are forgotten.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { VM_PORT = 8080, FIRST_PORT = 1024, PORTS_PER_ADDRESS = 1000, BATCH = 32, MOST = 64 };

/* Clients' addresses: 198.18.128.0/17, of the block that is set aside for benchmarks. */
static const uint32_t CLIENTS = 0xC6128000u;

struct path {
  char label[32];
  uint8_t client_mac[6], router_mac[6];
  uint32_t first_address;
  int forwardings;
  int client, listener, sink, wire, connections, vm_counters, client_counters;
};

static struct path paths[MOST];
static int path_count;
static uint64_t state = 88172645463325252ull;

static uint32_t random_number(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state >> 16;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static int namespace_of(const char *name) {
  char file[128];
  snprintf(file, sizeof file, "/run/netns/%s", name);
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die(file);
  return fd;
}

static void enter(int fd) {
  if (setns(fd, CLONE_NEWNET)) die("setns");
}

/* Counters of the devices of the namespace that is entered. */
static int counters(void) {
  int fd = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("/proc/thread-self/net/dev");
  return fd;
}

static void parse_mac(const char *text, uint8_t *mac) {
  if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6) exit(2);
}

/* Sockets stay in the namespace in which they were made. */
static void set_up(struct path *path, char **words) {
  int yes = 1, small = 2048;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(VM_PORT)};
  snprintf(path->label, sizeof path->label, "%s", words[0]);
  parse_mac(words[4], path->client_mac);
  parse_mac(words[5], path->router_mac);
  path->first_address = ntohl(inet_addr(words[6]));
  path->forwardings = atoi(words[7]);

  enter(namespace_of(words[3]));
  path->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(path->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(path->listener, (void *)&any, sizeof any) || listen(path->listener, 4096)) die("listen");
  /* Nobody reads the datagrams; the buffer is full at once, and what arrives is counted on the device. */
  path->sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  setsockopt(path->sink, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (bind(path->sink, (void *)&any, sizeof any)) die("bind");
  path->vm_counters = counters();

  enter(namespace_of(words[2]));
  path->connections = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (path->connections < 0) die("netlink");

  enter(path->client = namespace_of(words[1]));
  path->wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  setsockopt(path->wire, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
  struct sockaddr_ll device = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("eth0")};
  if (bind(path->wire, (void *)&device, sizeof device)) die("eth0");
  path->client_counters = counters();
}

/* Packets that came in by eth0. */
static uint64_t received(int counters) {
  char text[4096];
  lseek(counters, 0, SEEK_SET);
  int length = read(counters, text, sizeof text - 1);
  if (length < 0) die("/proc/thread-self/net/dev");
  text[length] = 0;
  unsigned long long bytes, packets;
  char *line = strstr(text, "eth0:");
  if (!line || sscanf(line + 5, "%llu %llu", &bytes, &packets) != 2) die("eth0");
  return packets;
}

static void forget_connections(struct path *path) {
  struct {
    struct nlmsghdr header;
    struct nfgenmsg family;
  } order = {.header = {.nlmsg_len = sizeof order,
                        .nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
  char answer[4096];
  if (send(path->connections, &order, sizeof order, 0) < 0) die("conntrack");
  if (recv(path->connections, answer, sizeof answer, 0) < 0) die("conntrack");
}

static void pick(struct path *path, uint32_t *address, uint16_t *port) {
  uint32_t forwarding = path->forwardings == 1 ? 0 : random_number() % path->forwardings;
  *address = htonl(path->first_address + forwarding / PORTS_PER_ADDRESS);
  *port = htons(FIRST_PORT + forwarding % PORTS_PER_ADDRESS);
}

/* One connection from beginning to end: whether it was accepted. */
static int connect_once(struct path *path) {
  struct linger reset = {1, 0};
  struct sockaddr_in to = {.sin_family = AF_INET};
  pick(path, &to.sin_addr.s_addr, &to.sin_port);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (client < 0) die("socket");
  setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  int server = -1;
  if (!connect(client, (void *)&to, sizeof to) || errno == EINPROGRESS) {
    server = accept4(path->listener, NULL, NULL, SOCK_NONBLOCK);
    if (server < 0) {
      struct pollfd ready = {path->listener, POLLIN, 0};
      if (poll(&ready, 1, 100) == 1) server = accept4(path->listener, NULL, NULL, SOCK_NONBLOCK);
    }
  }
  close(client);
  if (server >= 0) close(server);
  return server >= 0;
}

struct frame {
  struct ethhdr ethernet;
  struct iphdr ip;
  union {
    struct {
      struct udphdr header;
      char payload[18];
    } udp;
    struct tcphdr tcp;
  };
} __attribute__((packed));

static uint16_t checksum(const void *data, int length, uint32_t sum) {
  for (const char *at = data; length > 1; length -= 2, at += 2) {
    uint16_t word;
    memcpy(&word, at, sizeof word);
    sum += word;
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static void blank(struct path *path, struct frame *frame, int protocol) {
  memset(frame, 0, sizeof *frame);
  memcpy(frame->ethernet.h_dest, path->router_mac, 6);
  memcpy(frame->ethernet.h_source, path->client_mac, 6);
  frame->ethernet.h_proto = htons(ETH_P_IP);
  frame->ip.version = 4, frame->ip.ihl = 5, frame->ip.ttl = 64, frame->ip.protocol = protocol;
  frame->ip.tot_len = htons(protocol == IPPROTO_TCP ? 40 : 46);
}

/* Makes a frame the first of a flow: no other of the slice has its addresses and ports. */
static void fill(struct path *path, struct frame *frame, uint32_t number) {
  uint16_t source = htons(1024 + (number >> 15) % 64000);
  uint32_t address;
  uint16_t port;
  pick(path, &address, &port);
  frame->ip.saddr = htonl(CLIENTS + (number & 0x7fff));
  frame->ip.daddr = address;
  if (frame->ip.protocol == IPPROTO_UDP) {
    frame->udp.header.dest = port;
    frame->udp.header.source = source;
    frame->udp.header.len = htons(26);
  } else {
    frame->tcp.source = source;
    frame->tcp.dest = htons(30000 + random_number() % 30000);
    frame->tcp.seq = random_number(), frame->tcp.doff = 5, frame->tcp.syn = 1, frame->tcp.window = htons(1024);
    frame->tcp.check = 0;
    struct {
      uint32_t from, to;
      uint8_t zero, protocol;
      uint16_t length;
    } pseudo = {frame->ip.saddr, frame->ip.daddr, 0, IPPROTO_TCP, htons(20)};
    frame->tcp.check = checksum(&frame->tcp, 20, (uint16_t)~checksum(&pseudo, 12, 0));
  }
  frame->ip.check = 0;
  frame->ip.check = checksum(&frame->ip, 20, 0);
}

static void slice(struct path *path, const char *kind, int ms) {
  static uint32_t number;
  struct frame frames[BATCH];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  int tcp = kind[0] == 't', scan = kind[0] == 's';
  for (int i = 0; i < BATCH; i++) {
    blank(path, &frames[i], scan ? IPPROTO_TCP : IPPROTO_UDP);
    parts[i] = (struct iovec){&frames[i], scan ? 54 : 60};
    messages[i].msg_hdr.msg_iov = &parts[i], messages[i].msg_hdr.msg_iovlen = 1;
  }
  enter(path->client);
  uint64_t sent = 0, accepted = 0, into_vm = received(path->vm_counters), into_client = received(path->client_counters);
  double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID), elapsed;
  /* Bounded by number too, below what conntrack holds. */
  const uint64_t most = tcp ? 25000 : 150000;
  do {
    if (tcp) {
      /* One connection can take milliseconds where there are many rules. */
      sent++, accepted += connect_once(path);
      if (sent > 3 && accepted == 0) break;
    } else {
      int batch = sent < BATCH ? 1 : BATCH;
      for (int i = 0; i < batch; i++) fill(path, &frames[i], number++);
      int count = sendmmsg(path->wire, messages, batch, 0);
      if (count > 0) sent += count;
    }
    elapsed = seconds(CLOCK_MONOTONIC) - wall;
  } while (elapsed < ms / 1e3 && sent < most);
  cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
  elapsed = seconds(CLOCK_MONOTONIC) - wall;
  into_vm = received(path->vm_counters) - into_vm;
  into_client = received(path->client_counters) - into_client;
  forget_connections(path);
  printf("{\"sent\":%llu,\"arrived\":%llu,\"answered\":%llu,\"cpu\":%.6f,\"wall\":%.6f}\n", (unsigned long long)sent,
         (unsigned long long)(tcp ? accepted : into_vm), (unsigned long long)into_client, cpu, elapsed);
  fflush(stdout);
}

/* The last one allowed: the first has more of the machine's interrupts. */
static void stay_on_last_processor(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) die("sched_getaffinity");
  int last = CPU_SETSIZE - 1;
  while (last > 0 && !CPU_ISSET(last, &set)) last--;
  CPU_ZERO(&set);
  CPU_SET(last, &set);
  if (sched_setaffinity(0, sizeof set, &set)) die("sched_setaffinity");
}

int main(int argc, char **argv) {
  if ((argc - 1) % 8 || (argc - 1) / 8 > MOST) return 2;
  stay_on_last_processor();
  for (int i = 1; i < argc; i += 8) set_up(&paths[path_count++], argv + i);
  puts("\"ready\"");
  fflush(stdout);
  char line[128], kind[8], label[32];
  int ms;
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "%7s %31s %d", kind, label, &ms) != 3 || ms < 1 || ms > 5000) return 2;
    struct path *path = NULL;
    for (int i = 0; i < path_count; i++)
      if (!strcmp(paths[i].label, label)) path = &paths[i];
    if (!path) return 2;
    slice(path, kind, ms);
  }
  return 0;
}
