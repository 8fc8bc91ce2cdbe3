/* Rows of vectors in three formats. npy:
 * numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0. */
#include "vector_out.h"

#include "error.h"
#include "file.h"
#include "json_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct VectorOut {
    FILE *file;
    char *path;            /* NULL: stdout */
    char *target, *beside; /* the file behind `path`, and where it is until it is whole */
    VectorFormat format;
    int dim;
    guint64 rows;
    GByteArray *kept; /* npy rows */
};

static bool io_fault(const VectorOut *out, GError **error) {
    return error_fail_errno(error, out->path ? out->path : "stdout", errno);
}

void vector_out_discard(VectorOut *out) {
    if (out->file && out->path) fclose(out->file);
    if (out->beside) unlink(out->beside);
    if (out->kept) g_byte_array_unref(out->kept);
    g_free(out->path);
    g_free(out->target);
    g_free(out->beside);
    g_free(out);
}

/* A device or a pipe is written as it is; anything else by way of a file beside it. */
static bool open_file(VectorOut *out, GError **error) {
    bool special = g_file_test(out->path, G_FILE_TEST_EXISTS) &&
                   !g_file_test(out->path, G_FILE_TEST_IS_REGULAR);
    if (special) {
        out->file = fopen(out->path, "wb");
        return out->file || io_fault(out, error);
    }
    out->target = file_target(out->path, error);
    if (!out->target) return false;
    out->beside = g_strconcat(out->target, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(out->beside, O_WRONLY | O_CLOEXEC, 0666);
    out->file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (out->file) return true;
    io_fault(out, error);
    if (fd < 0) g_clear_pointer(&out->beside, g_free);
    return false;
}

VectorOut *vector_out_open(const char *path, VectorFormat format, int dim, GError **error) {
    VectorOut *out = g_new0(VectorOut, 1);
    out->format = format;
    out->dim = dim;
    out->path = g_strdup(path);
    if (format == VECTOR_NPY) out->kept = g_byte_array_new();
    if (!path)
        out->file = stdout;
    else if (!open_file(out, error)) {
        vector_out_discard(out);
        return NULL;
    }
    return out;
}

static bool write_json(VectorOut *out, json_t *about, const float *vector) {
    json_object_set_new(about, "embedding", json_floats(vector, out->dim));
    bool written = json_dumpf(about, out->file, JSON_FLOATS) == 0 && putc('\n', out->file) != EOF;
    /* Whoever reads a pipe wants each row when it is made. */
    return written && fflush(out->file) == 0;
}

bool vector_out_row(VectorOut *out, json_t *about, const float *vector, GError **error) {
    gsize bytes = (gsize)out->dim * sizeof(float);
    bool written = true;
    if (out->format == VECTOR_JSONL)
        written = write_json(out, about, vector);
    else if (out->format == VECTOR_NPY)
        g_byte_array_append(out->kept, (const guint8 *)vector, (guint)bytes);
    else
        written = fwrite(vector, 1, bytes, out->file) == bytes;
    json_decref(about);
    out->rows++;
    return written ? true : io_fault(out, error);
}

/* Magic, version, length of the header, the header padded so that the data begins at a multiple
 * of 64. */
static bool write_npy(VectorOut *out) {
    static const char magic[] = "\x93NUMPY\x01";
    g_autofree char *shape = g_strdup_printf(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%" G_GUINT64_FORMAT ", %d), }",
        out->rows, out->dim);
    int padded = (int)((10 + strlen(shape) + 1 + 63) / 64 * 64 - 10);
    guint16 length = GUINT16_TO_LE((guint16)padded);
    return fwrite(magic, 1, 8, out->file) == 8 && fwrite(&length, 1, 2, out->file) == 2 &&
           fprintf(out->file, "%-*s\n", padded - 1, shape) == padded &&
           fwrite(out->kept->data, 1, out->kept->len, out->file) == out->kept->len;
}

bool vector_out_close(VectorOut *out, GError **error) {
    bool written = out->format != VECTOR_NPY || write_npy(out);
    written = fflush(out->file) == 0 && !ferror(out->file) && written;
    if (written && out->beside) {
        written = rename(out->beside, out->target) == 0;
        if (written) g_clear_pointer(&out->beside, g_free);
    }
    if (!written) io_fault(out, error);
    vector_out_discard(out);
    return written;
}
