/*
 * An engine that costs nothing: answers every POST with the same completion, at once or after a lognormal time, and /v1/models with one model.
 * One thread, epoll, keep-alive. A Node server would be slower than the clients that are measured here.
 *
 *   upstream <mean latency in ms> <sigma>      prints its port on loopback, ends when its standard input does
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 16384, ROOM = 65536, EVENTS = 512 };

typedef struct {
  char *in;
  size_t held, skip; /* bytes in `in`; bytes of a body that are still to come */
  int waiting;       /* an answer is due */
} Connection;

typedef struct {
  double at;
  int fd;
} Due;

static Connection connections[CONNECTIONS];
static Due heap[CONNECTIONS];
static size_t due_count;
static double mean_ms, sigma;
static char answer[2048], models[512];
static size_t answer_length, models_length;
static unsigned long answered;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double chance(void) { return (rand() + 1.0) / (RAND_MAX + 2.0); }

static double latency(void) {
  double normal = sqrt(-2 * log(chance())) * cos(6.283185307179586 * chance());
  return mean_ms * exp(sigma * normal - sigma * sigma / 2);
}

static void push(Due due) {
  size_t at = due_count++;
  for (; at > 0 && heap[(at - 1) / 2].at > due.at; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = due;
}

static Due pop(void) {
  Due first = heap[0], last = heap[--due_count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= due_count) break;
    if (child + 1 < due_count && heap[child + 1].at < heap[child].at) child++;
    if (heap[child].at >= last.at) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return first;
}

static void send_all(int fd, const char *bytes, size_t length) {
  for (size_t sent = 0; sent < length;) {
    ssize_t n = write(fd, bytes + sent, length - sent);
    if (n > 0) sent += n;
    else if (errno != EAGAIN && errno != EINTR) return;
  }
}

static void answer_now(int fd) {
  connections[fd].waiting = 0;
  answered++;
  send_all(fd, answer, answer_length);
}

static void close_connection(int fd) {
  free(connections[fd].in);
  memset(&connections[fd], 0, sizeof(Connection));
  for (size_t at = 0; at < due_count; at++)
    if (heap[at].fd == fd) heap[at].fd = -1;
  close(fd);
}

static void request_is_whole(int fd, int is_get) {
  if (is_get) send_all(fd, models, models_length);
  else if (mean_ms <= 0) answer_now(fd);
  else {
    connections[fd].waiting = 1;
    push((Due){now_ms() + latency(), fd});
  }
}

/* One request at a time on a connection: clients here don't pipeline. */
static void take_requests(int fd) {
  Connection *c = &connections[fd];
  char *end = memmem(c->in, c->held, "\r\n\r\n", 4);
  if (end == NULL) return;
  int is_get = c->in[0] == 'G';
  size_t head = end + 4 - c->in, body = 0;
  *end = 0;
  char *length = strcasestr(c->in, "content-length:");
  if (length != NULL) body = strtoul(length + 15, NULL, 10);
  *end = '\r';
  if (c->held >= head + body) {
    c->held = 0;
    request_is_whole(fd, is_get);
  } else if (head + body > ROOM) {
    c->skip = head + body - c->held;
    c->held = 0;
  }
}

static int read_some(int fd) {
  Connection *c = &connections[fd];
  for (;;) {
    ssize_t n = read(fd, c->in + c->held, ROOM - c->held);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    if (n == 0) return -1;
    if (c->skip > 0) {
      c->skip -= (size_t)n < c->skip ? (size_t)n : c->skip;
      if (c->skip == 0) request_is_whole(fd, 0);
      continue;
    }
    c->held += n;
    take_requests(fd);
  }
}

static void write_answers(void) {
  char body[1100], text[800];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = 0;
  int n = snprintf(body, sizeof body,
                   "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":"
                   "{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":80,\"completion_tokens\":200,"
                   "\"total_tokens\":280}}",
                   text);
  answer_length = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", n, body);
  const char *list = "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"owned_by\":\"bench\"}]}";
  models_length = snprintf(models, sizeof models, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(list), list);
}

int main(int count, char **arguments) {
  mean_ms = count > 1 ? atof(arguments[1]) : 0;
  sigma = count > 2 ? atof(arguments[2]) : 0;
  struct rlimit files = {CONNECTIONS, CONNECTIONS};
  setrlimit(RLIMIT_NOFILE, &files);
  write_answers();
  int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(server, (struct sockaddr *)&address, size) || listen(server, 4096)) return 1;
  getsockname(server, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int poll = epoll_create1(0);
  struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = server};
  epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
  event.data.fd = 0;
  epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event);
  for (;;) {
    int wait = -1;
    if (due_count > 0) {
      double left = heap[0].at - now_ms();
      wait = left > 0 ? (int)ceil(left) : 0;
    }
    int ready = epoll_wait(poll, events, EVENTS, wait);
    for (int at = 0; at < ready; at++) {
      int fd = events[at].data.fd;
      if (fd == 0) return 0;
      if (fd == server) {
        for (int client; (client = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          if (client >= CONNECTIONS) {
            close(client);
            continue;
          }
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          connections[client].in = malloc(ROOM);
          event.data.fd = client;
          epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
        }
      } else if (read_some(fd) < 0) close_connection(fd);
    }
    for (double now = now_ms(); due_count > 0 && heap[0].at <= now;) {
      Due due = pop();
      if (due.fd >= 0) answer_now(due.fd);
    }
  }
}
