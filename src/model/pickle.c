/* The pickle machine: a stack, a memo, and one small function an operation. */
#include "pickle.h"

#include "error.h"

#include <stdbool.h>
#include <string.h>

#define ORDERED_DICT "collections.OrderedDict"

struct Pickle {
    const char *path;
    const uint8_t *at, *end;
    const char *const *names;
    GPtrArray *values; /* all of them */
    GPtrArray *stack;
    GHashTable *memo; /* number → value */
    GStringChunk *texts;
};

G_GNUC_PRINTF(4, 5)
static bool fault(const Pickle *pickle, ErrorCode code, GError **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *says = g_strdup_vprintf(format, args);
    va_end(args);
    return error_fail(error, code, "%s: its pickle %s; convert the file to safetensors",
                      pickle->path, says);
}

static bool broken(const Pickle *pickle, GError **error) {
    return fault(pickle, ERR_FORMAT, error, "is broken");
}

static bool has_items(PickleKind kind) {
    return kind == PICKLE_TUPLE || kind == PICKLE_LIST || kind == PICKLE_DICT ||
           kind == PICKLE_CALL || kind == PICKLE_PERSISTENT;
}

static void free_value(void *data) {
    PickleValue *value = data;
    if (value->items) g_ptr_array_free(value->items, TRUE);
    g_free(value);
}

static PickleValue *push(Pickle *pickle, PickleKind kind) {
    PickleValue *value = g_new0(PickleValue, 1);
    value->kind = kind;
    if (has_items(kind)) value->items = g_ptr_array_new();
    g_ptr_array_add(pickle->values, value);
    g_ptr_array_add(pickle->stack, value);
    return value;
}

/* NULL and an error on an empty stack, and before a mark. */
static PickleValue *pop(Pickle *pickle, GError **error) {
    guint len = pickle->stack->len;
    PickleValue *value = len ? pickle->stack->pdata[len - 1] : NULL;
    if (!value || value->kind == PICKLE_MARK) {
        broken(pickle, error);
        return NULL;
    }
    g_ptr_array_set_size(pickle->stack, len - 1);
    return value;
}

/* The value on top, which stays; NULL and an error when it is of another kind. */
static PickleValue *top(Pickle *pickle, PickleKind kind, GError **error) {
    guint len = pickle->stack->len;
    PickleValue *value = len ? pickle->stack->pdata[len - 1] : NULL;
    if (value && value->kind == kind) return value;
    broken(pickle, error);
    return NULL;
}

/* `bytes` of argument, or NULL and an error. */
static const uint8_t *take(Pickle *pickle, size_t bytes, GError **error) {
    if (bytes > (size_t)(pickle->end - pickle->at)) {
        fault(pickle, ERR_FORMAT, error, "is cut off");
        return NULL;
    }
    const uint8_t *data = pickle->at;
    pickle->at += bytes;
    return data;
}

/* A little-endian number of 1, 2 or 4 bytes. */
static bool take_number(Pickle *pickle, int bytes, uint32_t *out, GError **error) {
    const uint8_t *data = take(pickle, bytes, error);
    *out = 0;
    for (int i = 0; data && i < bytes; i++) *out |= (uint32_t)data[i] << 8 * i;
    return data != NULL;
}

/* Operations. Each has read its code; the tables below say which is which. */
typedef bool (*Operation)(Pickle *pickle, GError **error);

static bool op_protocol(Pickle *pickle, GError **error) {
    return take(pickle, 1, error) != NULL;
}

static bool op_frame(Pickle *pickle, GError **error) {
    return take(pickle, 8, error) != NULL;
}

static bool op_mark(Pickle *pickle, GError **error) {
    return push(pickle, PICKLE_MARK);
}

static bool op_none(Pickle *pickle, GError **error) {
    return push(pickle, PICKLE_NONE);
}

static bool op_true(Pickle *pickle, GError **error) {
    push(pickle, PICKLE_INT)->number = 1;
    return true;
}

static bool op_false(Pickle *pickle, GError **error) {
    return push(pickle, PICKLE_INT);
}

static bool op_empty_dict(Pickle *pickle, GError **error) {
    return push(pickle, PICKLE_DICT);
}

static bool op_empty_list(Pickle *pickle, GError **error) {
    return push(pickle, PICKLE_LIST);
}

static bool op_empty_tuple(Pickle *pickle, GError **error) {
    return push(pickle, PICKLE_TUPLE);
}

static bool push_int(Pickle *pickle, int bytes, GError **error) {
    uint32_t number;
    if (!take_number(pickle, bytes, &number, error)) return false;
    push(pickle, PICKLE_INT)->number = bytes == 4 ? (int32_t)number : (int64_t)number;
    return true;
}

static bool op_int1(Pickle *pickle, GError **error) {
    return push_int(pickle, 1, error);
}

static bool op_int2(Pickle *pickle, GError **error) {
    return push_int(pickle, 2, error);
}

static bool op_int4(Pickle *pickle, GError **error) {
    return push_int(pickle, 4, error);
}

/* A signed number of up to eight bytes. */
static bool op_long1(Pickle *pickle, GError **error) {
    uint32_t bytes;
    if (!take_number(pickle, 1, &bytes, error)) return false;
    if (bytes > 8) return broken(pickle, error);
    const uint8_t *data = take(pickle, bytes, error);
    if (!data) return false;
    uint64_t number = bytes && data[bytes - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint32_t i = bytes; i-- > 0;) number = number << 8 | data[i];
    push(pickle, PICKLE_INT)->number = (int64_t)number;
    return true;
}

static bool op_real(Pickle *pickle, GError **error) {
    if (!take(pickle, 8, error)) return false;
    return push(pickle, PICKLE_REAL);
}

static bool push_text(Pickle *pickle, int length_bytes, GError **error) {
    uint32_t bytes;
    if (!take_number(pickle, length_bytes, &bytes, error)) return false;
    const char *data = (const char *)take(pickle, bytes, error);
    if (!data) return false;
    if (memchr(data, 0, bytes)) return broken(pickle, error);
    push(pickle, PICKLE_TEXT)->text = g_string_chunk_insert_len(pickle->texts, data, bytes);
    return true;
}

static bool op_text1(Pickle *pickle, GError **error) {
    return push_text(pickle, 1, error);
}

static bool op_text4(Pickle *pickle, GError **error) {
    return push_text(pickle, 4, error);
}

static bool push_name(Pickle *pickle, const char *module, const char *name, GError **error) {
    g_autofree char *full = g_strconcat(module, ".", name, NULL);
    bool known = strcmp(full, ORDERED_DICT) == 0 || g_strv_contains(pickle->names, full);
    if (!known)
        return fault(pickle, ERR_UNSUPPORTED, error,
                     "asks for %.100s, which a dict of plain tensors has no need of", full);
    push(pickle, PICKLE_NAME)->text = g_string_chunk_insert(pickle->texts, full);
    return true;
}

/* Text up to the end of the line; caller frees. */
static char *take_line(Pickle *pickle, GError **error) {
    const uint8_t *end = memchr(pickle->at, '\n', pickle->end - pickle->at);
    const char *line = end ? (const char *)take(pickle, end - pickle->at + 1, error) : NULL;
    if (!end) fault(pickle, ERR_FORMAT, error, "is cut off");
    return line ? g_strndup(line, (const char *)end - line) : NULL;
}

static bool op_global(Pickle *pickle, GError **error) {
    g_autofree char *module = take_line(pickle, error);
    g_autofree char *name = module ? take_line(pickle, error) : NULL;
    return name && push_name(pickle, module, name, error);
}

static bool op_stack_global(Pickle *pickle, GError **error) {
    PickleValue *name = pop(pickle, error);
    PickleValue *module = name ? pop(pickle, error) : NULL;
    if (!module) return false;
    if (name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT) return broken(pickle, error);
    return push_name(pickle, module->text, name->text, error);
}

static bool put(Pickle *pickle, uint32_t number, GError **error) {
    if (pickle->stack->len == 0) return broken(pickle, error);
    g_hash_table_insert(pickle->memo, GUINT_TO_POINTER(number),
                        pickle->stack->pdata[pickle->stack->len - 1]);
    return true;
}

static bool get(Pickle *pickle, uint32_t number, GError **error) {
    PickleValue *value = g_hash_table_lookup(pickle->memo, GUINT_TO_POINTER(number));
    if (!value || value->kind == PICKLE_MARK) return broken(pickle, error);
    g_ptr_array_add(pickle->stack, value);
    return true;
}

static bool op_put1(Pickle *pickle, GError **error) {
    uint32_t number;
    return take_number(pickle, 1, &number, error) && put(pickle, number, error);
}

static bool op_put4(Pickle *pickle, GError **error) {
    uint32_t number;
    return take_number(pickle, 4, &number, error) && put(pickle, number, error);
}

static bool op_memoize(Pickle *pickle, GError **error) {
    return put(pickle, g_hash_table_size(pickle->memo), error);
}

static bool op_get1(Pickle *pickle, GError **error) {
    uint32_t number;
    return take_number(pickle, 1, &number, error) && get(pickle, number, error);
}

static bool op_get4(Pickle *pickle, GError **error) {
    uint32_t number;
    return take_number(pickle, 4, &number, error) && get(pickle, number, error);
}

/* Moves what lies from stack[from] on into `items`, in order. */
static void move_items(Pickle *pickle, guint from, GPtrArray *items) {
    for (guint i = from; i < pickle->stack->len; i++)
        g_ptr_array_add(items, pickle->stack->pdata[i]);
    g_ptr_array_set_size(pickle->stack, from);
}

/* Where the last mark lies. */
static bool find_mark(Pickle *pickle, guint *mark, GError **error) {
    *mark = 0;
    for (guint i = pickle->stack->len; i-- > 0;) {
        const PickleValue *value = pickle->stack->pdata[i];
        *mark = i;
        if (value->kind == PICKLE_MARK) return true;
    }
    return broken(pickle, error);
}

static bool tuple_from(Pickle *pickle, guint from) {
    GPtrArray *items = g_ptr_array_new();
    move_items(pickle, from, items);
    PickleValue *tuple = push(pickle, PICKLE_TUPLE);
    g_ptr_array_free(tuple->items, TRUE);
    tuple->items = items;
    return true;
}

static bool op_tuple(Pickle *pickle, GError **error) {
    guint mark;
    if (!find_mark(pickle, &mark, error)) return false;
    g_ptr_array_remove_index(pickle->stack, mark);
    return tuple_from(pickle, mark);
}

static bool short_tuple(Pickle *pickle, guint count, GError **error) {
    guint len = pickle->stack->len;
    if (len < count) return broken(pickle, error);
    for (guint i = len - count; i < len; i++) {
        const PickleValue *value = pickle->stack->pdata[i];
        if (value->kind == PICKLE_MARK) return broken(pickle, error);
    }
    return tuple_from(pickle, len - count);
}

static bool op_tuple1(Pickle *pickle, GError **error) {
    return short_tuple(pickle, 1, error);
}

static bool op_tuple2(Pickle *pickle, GError **error) {
    return short_tuple(pickle, 2, error);
}

static bool op_tuple3(Pickle *pickle, GError **error) {
    return short_tuple(pickle, 3, error);
}

/* Moves items from the mark on into the container below it; `step` of them make one. */
static bool extend(Pickle *pickle, PickleKind kind, guint step, GError **error) {
    guint mark;
    if (!find_mark(pickle, &mark, error)) return false;
    g_ptr_array_remove_index(pickle->stack, mark);
    PickleValue *into = mark > 0 ? pickle->stack->pdata[mark - 1] : NULL;
    if (!into || into->kind != kind || (pickle->stack->len - mark) % step)
        return broken(pickle, error);
    move_items(pickle, mark, into->items);
    return true;
}

static bool op_set_items(Pickle *pickle, GError **error) {
    return extend(pickle, PICKLE_DICT, 2, error);
}

static bool op_appends(Pickle *pickle, GError **error) {
    return extend(pickle, PICKLE_LIST, 1, error);
}

static bool op_set_item(Pickle *pickle, GError **error) {
    PickleValue *value = pop(pickle, error);
    PickleValue *key = value ? pop(pickle, error) : NULL;
    PickleValue *dict = key ? top(pickle, PICKLE_DICT, error) : NULL;
    if (!dict) return false;
    g_ptr_array_add(dict->items, key);
    g_ptr_array_add(dict->items, value);
    return true;
}

static bool op_append(Pickle *pickle, GError **error) {
    PickleValue *value = pop(pickle, error);
    PickleValue *list = value ? top(pickle, PICKLE_LIST, error) : NULL;
    if (list) g_ptr_array_add(list->items, value);
    return list != NULL;
}

static bool op_persistent(Pickle *pickle, GError **error) {
    PickleValue *id = pop(pickle, error);
    if (id) g_ptr_array_add(push(pickle, PICKLE_PERSISTENT)->items, id);
    return id != NULL;
}

static bool op_reduce(Pickle *pickle, GError **error) {
    PickleValue *args = pop(pickle, error);
    PickleValue *name = args ? pop(pickle, error) : NULL;
    if (!name) return false;
    if (name->kind != PICKLE_NAME || args->kind != PICKLE_TUPLE) return broken(pickle, error);
    if (strcmp(name->text, ORDERED_DICT) == 0)
        return args->items->len == 0 ? op_empty_dict(pickle, error) : broken(pickle, error);
    PickleValue *call = push(pickle, PICKLE_CALL);
    g_ptr_array_add(call->items, name);
    g_ptr_array_add(call->items, args);
    return true;
}

/* State that a dict carries beside its items (_metadata) is not wanted. */
static bool op_build(Pickle *pickle, GError **error) {
    return pop(pickle, error) && top(pickle, PICKLE_DICT, error);
}

#define STOP '.'

static const Operation operations[256] = {
    [0x80] = op_protocol,   [0x95] = op_frame,        ['('] = op_mark,       ['N'] = op_none,
    [0x88] = op_true,       [0x89] = op_false,        ['}'] = op_empty_dict, [']'] = op_empty_list,
    [')'] = op_empty_tuple, ['K'] = op_int1,          ['M'] = op_int2,       ['J'] = op_int4,
    [0x8a] = op_long1,      ['G'] = op_real,          ['X'] = op_text4,      [0x8c] = op_text1,
    ['c'] = op_global,      [0x93] = op_stack_global, ['q'] = op_put1,       ['r'] = op_put4,
    [0x94] = op_memoize,    ['h'] = op_get1,          ['j'] = op_get4,       ['t'] = op_tuple,
    [0x85] = op_tuple1,     [0x86] = op_tuple2,       [0x87] = op_tuple3,    ['u'] = op_set_items,
    ['e'] = op_appends,     ['s'] = op_set_item,      ['a'] = op_append,     ['Q'] = op_persistent,
    ['R'] = op_reduce,      ['b'] = op_build,
};

static bool run(Pickle *pickle, GError **error) {
    for (;;) {
        const uint8_t *code = take(pickle, 1, error);
        if (!code) return false;
        if (*code == STOP) break;
        if (!operations[*code])
            return fault(pickle, ERR_UNSUPPORTED, error, "uses operation 0x%02x", *code);
        if (!operations[*code](pickle, error)) return false;
        if (pickle->values->len > PICKLE_MAX_VALUES)
            return fault(pickle, ERR_LIMIT, error, "has more than %d values", PICKLE_MAX_VALUES);
    }
    const PickleValue *root = pickle->stack->len == 1 ? pickle->stack->pdata[0] : NULL;
    return (root && root->kind != PICKLE_MARK) || broken(pickle, error);
}

Pickle *pickle_read(const char *path, const uint8_t *data, size_t bytes, const char *const *names,
                    GError **error) {
    g_autoptr(Pickle) pickle = g_new0(Pickle, 1);
    *pickle = (Pickle){.path = path, .at = data, .end = data + bytes, .names = names};
    pickle->values = g_ptr_array_new_with_free_func(free_value);
    pickle->stack = g_ptr_array_new();
    pickle->memo = g_hash_table_new(NULL, NULL);
    pickle->texts = g_string_chunk_new(4096);
    if (bytes <= PICKLE_MAX_BYTES) return run(pickle, error) ? g_steal_pointer(&pickle) : NULL;
    fault(pickle, ERR_LIMIT, error, "has %zu bytes, more than the limit of %d", bytes,
          PICKLE_MAX_BYTES);
    return NULL;
}

void pickle_free(Pickle *pickle) {
    if (!pickle) return;
    g_ptr_array_free(pickle->values, TRUE);
    g_ptr_array_free(pickle->stack, TRUE);
    g_hash_table_destroy(pickle->memo);
    g_string_chunk_free(pickle->texts);
    g_free(pickle);
}

const PickleValue *pickle_root(const Pickle *pickle) {
    return pickle->stack->pdata[0];
}

const PickleValue *pickle_item(const PickleValue *value, guint i, PickleKind kind) {
    if (!value || !value->items || i >= value->items->len) return NULL;
    const PickleValue *item = value->items->pdata[i];
    return item->kind == kind ? item : NULL;
}
