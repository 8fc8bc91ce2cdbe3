/* An HTTP server of the test's own on 127.0.0.1, one request a connection, one at a time. What it
 * answers is the test's handler, so that every fault of a server can be played. It keeps what it
 * was asked.
 *
 * Owner: the test. Thread: handlers run in the server's thread; loopback_* may be called by any. */
#pragma once
#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>

typedef struct {
    char *target;        /* "/path?query" */
    GHashTable *headers; /* lower-case name → value */
} Asked;

typedef struct Loopback Loopback;
typedef void (*LoopbackHandler)(const Asked *asked, int number, GIOStream *peer, void *user);

struct Loopback {
    GSocketListener *listener;
    GCancellable *stop;
    GThread *thread;
    GMutex lock;
    GPtrArray *log; /* of Asked */
    LoopbackHandler handler;
    void *user;
    guint16 port;
};

static inline void asked_free(void *data) {
    Asked *asked = data;
    g_free(asked->target);
    g_hash_table_unref(asked->headers);
    g_free(asked);
}

static inline const char *asked_header(const Asked *asked, const char *name) {
    const char *value = g_hash_table_lookup(asked->headers, name);
    return value ? value : "";
}

static inline Asked *loopback_read(GIOStream *peer) {
    g_autoptr(GDataInputStream) in = g_data_input_stream_new(g_io_stream_get_input_stream(peer));
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(in), FALSE);
    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    /* A TLS greeting has no lines to wait for; it gets what a plain server says to one. */
    guchar letter = g_data_input_stream_read_byte(in, NULL, NULL);
    if (!g_ascii_isupper(letter)) {
        g_output_stream_write(g_io_stream_get_output_stream(peer), "HTTP/1.0 400 x", 14, NULL,
                              NULL);
        return NULL;
    }
    g_autofree char *first = g_data_input_stream_read_line(in, NULL, NULL, NULL);
    g_auto(GStrv) words = g_strsplit(first ? first : "", " ", 3);
    if (g_strv_length(words) != 3) return NULL;
    Asked *asked = g_new0(Asked, 1);
    asked->target = g_strdup(words[1]);
    asked->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (bool more = true; more;) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);
        g_auto(GStrv) pair = g_strsplit(line ? line : "", ": ", 2);
        more = g_strv_length(pair) == 2;
        if (more)
            g_hash_table_replace(asked->headers, g_ascii_strdown(pair[0], -1), g_strdup(pair[1]));
    }
    return asked;
}

static inline gpointer loopback_thread(gpointer data) {
    Loopback *server = data;
    GSocketConnection *peer;
    while ((peer = g_socket_listener_accept(server->listener, NULL, server->stop, NULL))) {
        Asked *asked = loopback_read(G_IO_STREAM(peer));
        if (asked) {
            g_mutex_lock(&server->lock);
            g_ptr_array_add(server->log, asked);
            int number = (int)server->log->len;
            g_mutex_unlock(&server->lock);
            server->handler(asked, number, G_IO_STREAM(peer), server->user);
        }
        g_io_stream_close(G_IO_STREAM(peer), NULL, NULL);
        g_object_unref(peer);
    }
    return NULL;
}

static inline Loopback *loopback_new(LoopbackHandler handler, void *user) {
    Loopback *server = g_new0(Loopback, 1);
    g_autoptr(GInetAddress) here = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(here, 0);
    g_autoptr(GSocketAddress) got = NULL;
    g_autoptr(GError) error = NULL;
    server->listener = g_socket_listener_new();
    g_socket_listener_add_address(server->listener, any, G_SOCKET_TYPE_STREAM,
                                  G_SOCKET_PROTOCOL_TCP, NULL, &got, &error);
    g_assert_no_error(error);
    server->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(got));
    server->stop = g_cancellable_new();
    server->log = g_ptr_array_new_with_free_func(asked_free);
    server->handler = handler;
    server->user = user;
    g_mutex_init(&server->lock);
    server->thread = g_thread_new("loopback", loopback_thread, server);
    return server;
}

static inline void loopback_free(Loopback *server) {
    g_cancellable_cancel(server->stop);
    g_thread_join(server->thread);
    g_object_unref(server->listener);
    g_object_unref(server->stop);
    g_ptr_array_unref(server->log);
    g_mutex_clear(&server->lock);
    g_free(server);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loopback, loopback_free)

static inline char *loopback_url(const Loopback *server, const char *path) {
    return g_strdup_printf("http://127.0.0.1:%d%s", server->port, path);
}

static inline int loopback_count(Loopback *server) {
    g_mutex_lock(&server->lock);
    int count = (int)server->log->len;
    g_mutex_unlock(&server->lock);
    return count;
}

/* What request `number` (from 1) said; it must have been made. */
static inline const Asked *loopback_asked(Loopback *server, int number) {
    g_assert_cmpint(number, <=, loopback_count(server));
    g_mutex_lock(&server->lock);
    const Asked *asked = g_ptr_array_index(server->log, number - 1);
    g_mutex_unlock(&server->lock);
    return asked;
}

static inline bool loopback_send(GIOStream *peer, const void *data, size_t len) {
    GOutputStream *out = g_io_stream_get_output_stream(peer);
    return g_output_stream_write_all(out, data, len, NULL, NULL, NULL);
}

/* `headers`: whole lines, each ended by \r\n, or "". Content-Length is sent, too. */
static inline void loopback_answer(GIOStream *peer, int status, const char *headers,
                                   const char *body, size_t len) {
    g_autofree char *head = g_strdup_printf("HTTP/1.1 %d x\r\nConnection: close\r\n%s"
                                            "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
                                            status, headers, len);
    loopback_send(peer, head, strlen(head));
    loopback_send(peer, body, len);
}

static inline void loopback_redirect(GIOStream *peer, const char *to) {
    g_autofree char *location = g_strdup_printf("Location: %s\r\n", to);
    loopback_answer(peer, 302, location, "moved", 5);
}

/* A file as a server has it, and how the server misbehaves. */
typedef struct {
    const char *data;
    size_t len;
    const char *etag;    /* with its quotes; NULL: none */
    size_t cut_after;    /* bytes of the body after which the connection is closed; 0: never */
    bool no_ranges;      /* 200 and the whole to whatever is asked */
    bool deaf_to_change; /* ignores If-Range */
    bool lies_on_range;  /* Content-Range of another place */
} Served;

/* Where the asked range begins; 0 for the whole. */
static inline size_t served_first(const Served *file, const Asked *asked) {
    const char *range = asked_header(asked, "range"), *since = asked_header(asked, "if-range");
    bool stale = *since && !file->deaf_to_change && g_strcmp0(since, file->etag) != 0;
    if (file->no_ranges || stale || !g_str_has_prefix(range, "bytes=")) return 0;
    return (size_t)g_ascii_strtoull(range + 6, NULL, 10);
}

static inline void serve_file(const Served *file, const Asked *asked, GIOStream *peer) {
    size_t first = served_first(file, asked);
    g_autoptr(GString) head = g_string_new("HTTP/1.1 ");
    bool behind = first > 0 && first >= file->len;
    g_string_append(head, behind ? "416 x\r\n" : first ? "206 x\r\n" : "200 x\r\n");
    g_string_append(head, "Connection: close\r\n");
    if (file->etag) g_string_append_printf(head, "ETag: %s\r\n", file->etag);
    if (behind)
        g_string_append_printf(head, "Content-Range: bytes */%zu\r\n", file->len);
    else if (first)
        g_string_append_printf(head, "Content-Range: bytes %zu-%zu/%zu\r\n",
                               first + file->lies_on_range, file->len - 1, file->len);
    size_t len = behind ? 0 : file->len - first;
    g_string_append_printf(head, "Content-Length: %zu\r\n\r\n", len);
    loopback_send(peer, head->str, head->len);
    if (file->cut_after) len = MIN(len, file->cut_after);
    loopback_send(peer, file->data + (behind ? 0 : first), len);
}

/* Handlers. `user` of both: the status, an int. */
static inline void answer_status(const Asked *asked, int number, GIOStream *peer, void *user) {
    loopback_answer(peer, *(int *)user, "", "no", 2);
}

/* A body without end. */
static inline void endless_body(const Asked *asked, int number, GIOStream *peer, void *user) {
    char zeros[4096] = {0};
    g_autofree char *head =
        g_strdup_printf("HTTP/1.1 %d x\r\nConnection: close\r\n\r\n", *(int *)user);
    bool open = loopback_send(peer, head, strlen(head));
    while (open) open = loopback_send(peer, zeros, sizeof zeros);
}

/* What the machine's user has set must not come between the test and its server. */
static inline void loopback_without_proxies(void) {
    const char *proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < G_N_ELEMENTS(proxies); i++) g_unsetenv(proxies[i]);
}
