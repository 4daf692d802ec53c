/*
 * secrets.c - the file of secrets and its key
 *
 * The file is text: a line with the format's version, then a line for each
 * secret: its name, a blank, base64 of nonce and sealed box. What is sealed is
 * the name, a NUL and the value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/secrets.h"

#include "base/file.h"
#include "base/vec.h"
#include "cli/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER     "conjoin secrets 1\n"
#define MAX_FILE   ((size_t)4 << 20)
#define MAX_VALUE  ((size_t)64 << 10)
#define MAX_NAME   128
#define KEY_SIZE   SEAL_KEY_SIZE
#define NONCE_SIZE crypto_secretbox_NONCEBYTES
#define OVERHEAD   (NONCE_SIZE + crypto_secretbox_MACBYTES)

static char *path_in(const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = mem_alloc(size);

	(void)snprintf(path, size, "%s/%s", folder, name);
	return path;
}

void secrets_init(struct secrets *secrets, const char *folder)
{
	const char *key_file = getenv("CONJOIN_KEY_FILE");

	secrets->folder = mem_strdup(folder);
	secrets->file = path_in(folder, "state/secrets");
	secrets->key_file = key_file && *key_file
				    ? mem_strdup(key_file)
				    : path_in(folder, "state/key");
}

void secrets_release(struct secrets *secrets)
{
	mem_free(secrets->folder);
	mem_free(secrets->file);
	mem_free(secrets->key_file);
	memset(secrets, 0, sizeof(*secrets));
}

/* --- the file ---------------------------------------------------------- */

struct item {
	struct sv name;
	struct sv box; /* nonce and sealed bytes */
};

struct items {
	struct arena arena;
	VEC(struct item) all;
};

static void items_release(struct items *items)
{
	vec_release(&items->all);
	arena_release(&items->arena);
}

static int damaged(const struct secrets *secrets, struct error *err)
{
	return error_set(err, ERR_CORRUPT,
			 "the file of secrets '%s' is damaged; put a copy of "
			 "it back, or delete it and set the secrets anew",
			 secrets->file);
}

static int parse_line(const struct secrets *secrets, struct sv line,
		      struct items *items, struct error *err)
{
	struct strbuf box = STRBUF_INIT(MAX_VALUE * 2);
	size_t blank = sv_find(line, ' ', 0);
	struct item item;
	int ret = 0;

	if (blank == line.len || !blank ||
	    !strbuf_add_unbase64(&box, sv_sub(line, blank + 1, line.len)) ||
	    box.overflow || box.len < OVERHEAD) {
		ret = damaged(secrets, err);
	} else {
		item.name = arena_dup(&items->arena, sv_sub(line, 0, blank));
		item.box = arena_dup(&items->arena, strbuf_sv(&box));
		vec_push(&items->all, item);
	}
	strbuf_release(&box);
	return ret;
}

static int load(const struct secrets *secrets, struct items *out,
		struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	size_t at = sizeof(HEADER) - 1;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!file_exists(secrets->file))
		return 0;
	ret = file_read(secrets->file, &text, err);
	if (ret == 0 && !sv_starts(strbuf_sv(&text), SV_LIT(HEADER)))
		ret = damaged(secrets, err);
	while (ret == 0 && at < text.len) {
		size_t end = sv_find(strbuf_sv(&text), '\n', at);

		ret = parse_line(secrets, sv_sub(strbuf_sv(&text), at, end),
				 out, err);
		at = end + 1;
	}
	strbuf_release(&text);
	return ret;
}

static int save(const struct secrets *secrets, const struct items *items,
		struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	struct file_replace file;
	const struct item *item;
	int ret = 0;

	strbuf_adds(&text, HEADER);
	vec_foreach(&items->all, item) {
		strbuf_addsv(&text, item->name);
		strbuf_addc(&text, ' ');
		strbuf_add_base64(&text, item->box);
		strbuf_addc(&text, '\n');
	}
	if (text.overflow) {
		ret = error_set(err, ERR_LIMIT,
				"the file of secrets '%s' would be larger "
				"than %zu bytes",
				secrets->file, MAX_FILE);
	} else if (file_replace_open(&file, secrets->file, 0600, err) < 0) {
		ret = -1;
	} else {
		(void)fwrite(text.ptr, 1, text.len, file.stream);
		ret = file_replace_commit(&file, err);
	}
	strbuf_release(&text);
	return ret;
}

static struct item *find(struct items *items, struct sv name)
{
	struct item *item;

	vec_foreach(&items->all, item)
		if (sv_eq(item->name, name))
			return item;
	return NULL;
}

/* Two commands that change the file follow one another. */
static int lock(const struct secrets *secrets, struct error *err)
{
	char *path = path_in(secrets->folder, "state/secrets.lock");
	int fd = -1;

	if (file_make_parent(path, err) == 0) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			(void)error_errno(err, errno, "cannot lock '%s'", path);
	}
	mem_free(path);
	return fd;
}

/* --- seal and open ----------------------------------------------------- */

static struct sv seal(struct arena *arena, const unsigned char key[KEY_SIZE],
		      struct sv name, struct sv value)
{
	size_t plain_len = name.len + 1 + value.len;
	unsigned char *plain = mem_alloc(plain_len);
	unsigned char *box = arena_alloc(arena, plain_len + OVERHEAD);

	memcpy(plain, name.ptr, name.len);
	plain[name.len] = '\0';
	memcpy(plain + name.len + 1, value.ptr, value.len);
	randombytes_buf(box, NONCE_SIZE);
	(void)crypto_secretbox_easy(box + NONCE_SIZE, plain, plain_len, box,
				    key);
	explicit_bzero(plain, plain_len);
	mem_free(plain);
	return sv_make((const char *)box, plain_len + OVERHEAD);
}

/* 1: opened; 0: another key, or it was tampered with */
static int unseal(const unsigned char key[KEY_SIZE], const struct item *item,
		  struct secret *out)
{
	size_t len = item->box.len - OVERHEAD;
	const unsigned char *box = (const unsigned char *)item->box.ptr;
	char *plain = mem_alloc(len + 1);
	struct sv name = item->name;
	int ok = crypto_secretbox_open_easy(
			 (unsigned char *)plain, box + NONCE_SIZE,
			 item->box.len - NONCE_SIZE, box, key) == 0 &&
		 len > name.len && !memcmp(plain, name.ptr, name.len) &&
		 plain[name.len] == '\0';

	if (ok)
		secret_set(out,
			   sv_make(plain + name.len + 1, len - name.len - 1));
	explicit_bzero(plain, len + 1);
	mem_free(plain);
	return ok;
}

/* --- the commands' side ------------------------------------------------ */

static bool name_ok(struct sv name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		      c == '.'))
			return false;
	}
	return name.len > 0 && name.len <= MAX_NAME;
}

static int check_new(struct sv name, struct sv value, struct error *err)
{
	if (!name_ok(name))
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is not a name for a secret: "
				 "letters, digits, '-', '_' and '.' only",
				 SV_ARG(name));
	if (!value.len)
		return error_set(err, ERR_INVALID,
				 "the value of secret '" SV_FMT "' is empty",
				 SV_ARG(name));
	if (value.len > MAX_VALUE)
		return error_set(err, ERR_LIMIT,
				 "the value of secret '" SV_FMT
				 "' is longer than %zu bytes",
				 SV_ARG(name), MAX_VALUE);
	return 0;
}

/* The keys, and one that is made when there is none. */
static int need_keys(const struct secrets *secrets, const struct items *items,
		     struct keys *keys, struct error *err)
{
	int ret = keys_load(secrets->key_file, keys, err);

	if (ret)
		return ret < 0 ? -1 : 0;
	if (items->all.len)
		return error_set(err, ERR_NOTFOUND,
				 "the key '%s' is missing, and '%s' holds "
				 "secrets sealed with it; put the key back, or "
				 "delete that file and set the secrets anew",
				 secrets->key_file, secrets->file);
	keys_add(keys);
	if (keys_save_new(secrets->key_file, keys, err) == 0)
		return 0;
	keys_release(keys);
	return -1;
}

static int put(const struct secrets *secrets, struct items *items,
	       struct sv name, struct sv value, struct error *err)
{
	struct item *item = find(items, name);
	struct item new = { name, SV_NULL };
	struct keys keys;

	if (need_keys(secrets, items, &keys, err) < 0)
		return -1;
	new.box = seal(&items->arena, keys.all.at[0].bytes, name, value);
	keys_release(&keys);
	if (item)
		*item = new;
	else
		vec_push(&items->all, new);
	return save(secrets, items, err);
}

int secrets_set(const struct secrets *secrets, struct sv name, struct sv value,
		struct error *err)
{
	struct items items;
	int fd;
	int ret = -1;

	if (check_new(name, value, err) < 0)
		return -1;
	fd = lock(secrets, err);
	if (fd < 0)
		return -1;
	if (load(secrets, &items, err) == 0)
		ret = put(secrets, &items, name, value, err);
	items_release(&items);
	(void)close(fd);
	return ret;
}

int secrets_delete(const struct secrets *secrets, struct sv name,
		   struct error *err)
{
	struct items items = { ARENA_INIT, VEC_INIT };
	struct item *item;
	int fd;
	int ret = -1;

	if (!file_exists(secrets->file))
		return 0;
	fd = lock(secrets, err);
	if (fd < 0)
		return -1;
	if (load(secrets, &items, err) == 0) {
		item = find(&items, name);
		ret = item != NULL;
		if (item) {
			*item = items.all.at[--items.all.len];
			if (save(secrets, &items, err) < 0)
				ret = -1;
		}
	}
	items_release(&items);
	(void)close(fd);
	return ret;
}

static int order_names(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

int secrets_list(const struct secrets *secrets, struct arena *arena,
		 struct sv **out, size_t *count_out, struct error *err)
{
	struct items items;
	const struct item *item;
	int ret = load(secrets, &items, err);

	*count_out = 0;
	*out = arena_array(arena, items.all.len, sizeof(**out));
	vec_foreach(&items.all, item)
		(*out)[(*count_out)++] = arena_dup(arena, item->name);
	if (*count_out)
		qsort(*out, *count_out, sizeof(**out), order_names);
	items_release(&items);
	return ret;
}

/* The place of the key that opens it, or -1. */
static int unseal_any(const struct keys *keys, const struct item *item,
		      struct secret *out)
{
	size_t i;

	for (i = 0; i < keys->all.len; i++)
		if (unseal(keys->all.at[i].bytes, item, out))
			return (int)i;
	return -1;
}

static int open_item(const struct secrets *secrets, const struct item *item,
		     struct secret *out, struct error *err)
{
	struct keys keys;
	int ret = keys_load(secrets->key_file, &keys, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return error_set(err, ERR_NOTFOUND,
				 "the key '%s' is missing; put it back, or "
				 "name it by CONJOIN_KEY_FILE",
				 secrets->key_file);
	ret = unseal_any(&keys, item, out);
	keys_release(&keys);
	if (ret >= 0)
		return 0;
	return error_set(err, ERR_DENIED,
			 "the key '%s' does not open the secret '" SV_FMT
			 "'; put the right key back, or set the secret anew "
			 "with 'conjoin secret set " SV_FMT "'",
			 secrets->key_file, SV_ARG(item->name),
			 SV_ARG(item->name));
}

int secrets_get(const struct secrets *secrets, struct sv name,
		struct secret *out, struct error *err)
{
	struct items items;
	const struct item *item;
	int ret = load(secrets, &items, err);

	if (ret == 0) {
		item = find(&items, name);
		ret = item ? open_item(secrets, item, out, err)
			   : error_set(err, ERR_NOTFOUND,
				       "there is no secret '" SV_FMT
				       "'; run 'conjoin secret set " SV_FMT "'",
				       SV_ARG(name), SV_ARG(name));
	}
	items_release(&items);
	return ret;
}

/* --- references -------------------------------------------------------- */

static int from_environment(struct sv name, struct secret *out,
			    struct error *err)
{
	struct arena arena = ARENA_INIT;
	const char *value = getenv(arena_cstr(&arena, name));

	arena_release(&arena);
	if (!value || !*value)
		return error_set(err, ERR_NOTFOUND,
				 "the environment variable '" SV_FMT
				 "' is not set",
				 SV_ARG(name));
	secret_set(out, sv_from(value));
	return 0;
}

static int from_file(const struct secrets *secrets, struct sv path,
		     struct secret *out, struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	struct arena arena = ARENA_INIT;
	const char *name = arena_cstr(&arena, path);
	struct sv value;
	int ret;

	if (name[0] != '/')
		name = arena_printf(&arena, "%s/%s", secrets->folder, name);
	ret = file_read(name, &text, err);
	value = strbuf_sv(&text);
	if (value.len && value.ptr[value.len - 1] == '\n')
		value.len--;
	if (value.len && value.ptr[value.len - 1] == '\r')
		value.len--;
	if (ret == 0 && value.len > MAX_VALUE)
		ret = error_set(err, ERR_LIMIT,
				"the file '%s' is longer than %zu bytes", name,
				MAX_VALUE);
	if (ret == 0 && !value.len)
		ret = error_set(err, ERR_INVALID, "the file '%s' is empty",
				name);
	if (ret == 0)
		secret_set(out, value);
	if (text.ptr)
		explicit_bzero(text.ptr, text.size);
	strbuf_release(&text);
	arena_release(&arena);
	return ret;
}

int secrets_resolve(void *data, struct sv reference, struct secret *out,
		    struct error *err)
{
	const struct secrets *secrets = data;
	size_t colon = sv_find(reference, ':', 0);
	struct sv kind = sv_sub(reference, 0, colon);
	struct sv name;

	if (colon < reference.len) {
		name = sv_sub(reference, colon + 1, reference.len);
		if (sv_eq_str(kind, "secret"))
			return secrets_get(secrets, name, out, err);
		if (sv_eq_str(kind, "env"))
			return from_environment(name, out, err);
		if (sv_eq_str(kind, "file"))
			return from_file(secrets, name, out, err);
	}
	/* what stands there may be the secret itself: it is not shown */
	return error_set(err, ERR_INVALID,
			 "a secret is written as secret:NAME, env:NAME or "
			 "file:PATH");
}

int secrets_seal_key(void *data, bool make, struct secret *out,
		     struct error *err)
{
	const struct secrets *secrets = data;
	struct keys keys = KEYS_INIT;
	struct items items;
	int ret;

	if (make) {
		ret = load(secrets, &items, err);
		if (ret == 0)
			ret = need_keys(secrets, &items, &keys, err);
		items_release(&items);
	} else {
		ret = keys_load(secrets->key_file, &keys, err);
		if (ret == 0)
			ret = error_set(err, ERR_INVALID,
					"encryption-key-lost: the key '%s' is "
					"missing; put it back",
					secrets->key_file);
	}
	if (ret >= 0)
		keys_concat(&keys, out);
	keys_release(&keys);
	return ret < 0 ? -1 : 0;
}

/* --- keys come and go -------------------------------------------------- */

int secrets_lock(const struct secrets *secrets, struct error *err)
{
	return lock(secrets, err);
}

static int order_uses(const void *a, const void *b)
{
	return sv_cmp(((const struct secret_use *)a)->name,
		      ((const struct secret_use *)b)->name);
}

int secrets_uses(const struct secrets *secrets, const struct keys *keys,
		 struct arena *arena, struct secret_use **out,
		 size_t *count_out, struct error *err)
{
	struct secret value = SECRET_INIT;
	struct items items;
	const struct item *item;
	int ret = load(secrets, &items, err);

	*count_out = 0;
	*out = arena_array(arena, items.all.len, sizeof(**out));
	vec_foreach(&items.all, item) {
		struct secret_use *use = &(*out)[(*count_out)++];

		use->name = arena_dup(arena, item->name);
		use->key = unseal_any(keys, item, &value);
		secret_release(&value);
	}
	if (*count_out)
		qsort(*out, *count_out, sizeof(**out), order_uses);
	items_release(&items);
	return ret;
}

int secrets_reencrypt(const struct secrets *secrets, const struct keys *keys,
		      size_t *count_out, struct error *err)
{
	struct secret value = SECRET_INIT;
	struct items items;
	struct item *item;
	int ret = load(secrets, &items, err);

	*count_out = 0;
	vec_foreach(&items.all, item) {
		if (unseal_any(keys, item, &value) > 0) {
			item->box = seal(&items.arena, keys->all.at[0].bytes,
					 item->name, secret_view(&value));
			++*count_out;
		}
		secret_release(&value);
	}
	if (ret == 0 && *count_out)
		ret = save(secrets, &items, err);
	items_release(&items);
	return ret;
}
