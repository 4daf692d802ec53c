/*
 * keys.c - the file of keys: read, write, take elsewhere
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/keys.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char HEADER[] = "conjoin keys 1\n";
static const char EXPORTED[] = "conjoin exported keys 1\n";

#define MAX_FILE  ((size_t)64 << 10)
#define NOT_KNOWN "-"

/* ---- a key ---- */

static void name_it(struct key *key)
{
	static const char purpose[] = "conjoin key id";
	unsigned char hash[crypto_generichash_BYTES_MIN];

	(void)crypto_generichash(
		hash, sizeof(hash), key->bytes, sizeof(key->bytes),
		(const unsigned char *)purpose, sizeof(purpose));
	(void)sodium_bin2hex(key->id, sizeof(key->id), hash,
			     (KEY_ID_SIZE - 1) / 2);
}

void keys_release(struct keys *keys)
{
	if (keys->all.at)
		explicit_bzero(keys->all.at,
			       keys->all.len * sizeof(*keys->all.at));
	vec_release(&keys->all);
}

/* Grows without leaving a copy behind. */
static void push(struct keys *keys, const struct key *key)
{
	struct keys larger = KEYS_INIT;
	const struct key *one;

	vec_reserve(&larger.all, keys->all.len + 1);
	vec_foreach(&keys->all, one)
		vec_push(&larger.all, *one);
	vec_push(&larger.all, *key);
	keys_release(keys);
	*keys = larger;
}

static int newest_first(const void *a, const void *b)
{
	int64_t first = ((const struct key *)a)->made;
	int64_t second = ((const struct key *)b)->made;

	return (first < second) - (first > second);
}

static void put_in_order(struct keys *keys)
{
	if (keys->all.len > 1)
		qsort(keys->all.at, keys->all.len, sizeof(*keys->all.at),
		      newest_first);
}

void keys_add(struct keys *keys)
{
	struct key key = { .made = clock_now() };

	/* also when the clock goes wrong it is the newest */
	if (keys->all.len && keys->all.at[0].made >= key.made)
		key.made = keys->all.at[0].made + 1;
	randombytes_buf(key.bytes, sizeof(key.bytes));
	name_it(&key);
	push(keys, &key);
	put_in_order(keys);
	explicit_bzero(&key, sizeof(key));
}

int keys_find(const struct keys *keys, const char *id)
{
	size_t i;

	for (i = 0; i < keys->all.len; i++)
		if (!strcmp(keys->all.at[i].id, id))
			return (int)i;
	return -1;
}

void keys_remove(struct keys *keys, size_t at)
{
	struct key *keep = &keys->all.at[at];

	memmove(keep, keep + 1, (keys->all.len - at - 1) * sizeof(*keep));
	keys->all.len--;
	explicit_bzero(&keys->all.at[keys->all.len], sizeof(*keep));
}

size_t keys_merge(struct keys *keys, const struct keys *more)
{
	const struct key *key;
	size_t count = 0;

	vec_foreach(&more->all, key) {
		int at = keys_find(keys, key->id);

		if (at < 0) {
			push(keys, key);
			count++;
		} else if (!keys->all.at[at].made) {
			keys->all.at[at].made = key->made;
		}
	}
	put_in_order(keys);
	return count;
}

void keys_concat(const struct keys *keys, struct secret *out)
{
	size_t size = keys->all.len * SEAL_KEY_SIZE;
	char *bytes = mem_alloc(size);
	size_t i;

	for (i = 0; i < keys->all.len; i++)
		memcpy(bytes + i * SEAL_KEY_SIZE, keys->all.at[i].bytes,
		       SEAL_KEY_SIZE);
	secret_set(out, sv_make(bytes, size));
	explicit_bzero(bytes, size);
	mem_free(bytes);
}

/* ---- their text ---- */

/* A buffer that need not grow, so that nothing of it stays in memory. */
static void begin_text(struct strbuf *text)
{
	(void)strbuf_room(text, text->max);
}

static void end_text(struct strbuf *text)
{
	if (text->ptr)
		explicit_bzero(text->ptr, text->size);
	strbuf_release(text);
}

static void write_keys(const struct keys *keys, struct strbuf *out)
{
	const struct key *key;
	char made[40];

	strbuf_adds(out, HEADER);
	vec_foreach(&keys->all, key) {
		clock_format_iso(key->made, made);
		strbuf_addf(out, "%s ", key->made ? made : NOT_KNOWN);
		strbuf_add_base64(out, sv_make((const char *)key->bytes,
					       sizeof(key->bytes)));
		strbuf_addc(out, '\n');
	}
}

static int parse_key(struct sv line, struct key *out)
{
	size_t blank = sv_find(line, ' ', 0);
	struct sv made = sv_sub(line, 0, blank);

	memset(out, 0, sizeof(*out));
	if (blank == line.len ||
	    (!sv_eq_str(made, NOT_KNOWN) &&
	     !clock_parse_iso(made, &out->made)) ||
	    !box_key_parse(sv_sub(line, blank + 1, line.len), out->bytes))
		return 0;
	name_it(out);
	return 1;
}

/* 1: read; 0: it is damaged */
static int parse_keys(struct sv text, struct keys *out)
{
	size_t at = sizeof(HEADER) - 1;
	struct key key;
	int ok = sv_starts(text, sv_from(HEADER));

	while (ok && at < text.len) {
		size_t end = sv_find(text, '\n', at);

		ok = end < text.len && parse_key(sv_sub(text, at, end), &key);
		if (ok && keys_find(out, key.id) < 0)
			push(out, &key);
		explicit_bzero(&key, sizeof(key));
		at = end + 1;
	}
	put_in_order(out);
	return ok && out->all.len > 0;
}

/* ---- the file ---- */

static int check_file(const char *path, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot read the key '%s'",
				   path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID,
				 "the key '%s' is not a plain file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return error_set(err, ERR_DENIED,
				 "the key '%s' can be used by others (mode "
				 "%04o); run 'chmod 600 %s', and set the "
				 "secrets anew if somebody may have read it",
				 path, (unsigned)st.st_mode & 07777, path);
	return 0;
}

static int read_text(const char *path, int fd, struct strbuf *text,
		     struct error *err)
{
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0 && !text->overflow)
		strbuf_add(text, part, (size_t)n);
	explicit_bzero(part, sizeof(part));
	if (n < 0)
		return error_errno(err, errno, "cannot read the key '%s'",
				   path);
	return 0;
}

static int parse_file(const char *path, struct sv text, struct keys *out,
		      struct error *err)
{
	struct key key = { .made = 0 };

	if (text.ptr && text.len == SEAL_KEY_SIZE) {
		memcpy(key.bytes, text.ptr, SEAL_KEY_SIZE);
		name_it(&key);
		push(out, &key);
		explicit_bzero(&key, sizeof(key));
		return 1;
	}
	if (parse_keys(text, out))
		return 1;
	keys_release(out);
	return error_set(err, ERR_CORRUPT,
			 "the key '%s' is damaged: its %zu bytes are neither "
			 "one key nor a list of keys; put a copy of it back",
			 path, text.len);
}

int keys_load(const char *path, struct keys *out, struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, errno, "cannot read the key '%s'",
				   path);
	begin_text(&text);
	if (check_file(path, fd, err) == 0 &&
	    read_text(path, fd, &text, err) == 0)
		ret = parse_file(path, strbuf_sv(&text), out, err);
	(void)close(fd);
	end_text(&text);
	return ret;
}

int keys_save(const char *path, const struct keys *keys, struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	char *real = realpath(path, NULL); /* what a symbolic link names */
	struct file_replace file;
	int ret = -1;

	begin_text(&text);
	write_keys(keys, &text);
	if (text.overflow) {
		(void)error_set(err, ERR_LIMIT,
				"'%s' would hold more keys than fit; run "
				"'conjoin key reencrypt', then abandon the "
				"old ones",
				path);
	} else if (file_make_parent(path, err) == 0 &&
		   file_replace_open(&file, real ? real : path, 0600, err) ==
			   0) {
		(void)setvbuf(file.stream, NULL, _IONBF, 0);
		(void)fwrite(text.ptr, 1, text.len, file.stream);
		ret = file_replace_commit(&file, err);
	}
	free(real); /* the C library's */
	end_text(&text);
	return ret < 0 ? error_context(err, "the keys stay as they are") : 0;
}

int keys_save_new(const char *path, const struct keys *keys, struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	int ret = 0;
	int fd;

	if (file_make_parent(path, err) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "cannot make the key '%s'",
				   path);
	begin_text(&text);
	write_keys(keys, &text);
	if (write(fd, text.ptr, text.len) != (ssize_t)text.len ||
	    fsync(fd) < 0) {
		ret = error_errno(err, errno, "cannot write the key '%s'",
				  path);
		(void)unlink(path);
	}
	(void)close(fd);
	end_text(&text);
	return ret;
}

/* ---- to take them to another machine ---- */

#define SALT_SIZE  crypto_pwhash_SALTBYTES
#define NONCE_SIZE crypto_secretbox_NONCEBYTES
#define MAX_OPS    20
#define MAX_MEMORY ((size_t)1 << 30)

static int stretch(struct sv passphrase, const unsigned char salt[SALT_SIZE],
		   unsigned long long ops, size_t memory,
		   unsigned char key[SEAL_KEY_SIZE], struct error *err)
{
	if (crypto_pwhash(key, SEAL_KEY_SIZE, passphrase.ptr, passphrase.len,
			  salt, ops, memory, crypto_pwhash_ALG_ARGON2ID13) == 0)
		return 0;
	return error_set(err, ERR_UNAVAILABLE,
			 "the passphrase needs %zu MB of memory for a moment, "
			 "and they are not there",
			 memory >> 20);
}

int keys_export_passphrase(const struct keys *keys, struct sv passphrase,
			   struct strbuf *out, struct error *err)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);
	unsigned char key[SEAL_KEY_SIZE];
	unsigned char salt[SALT_SIZE];
	unsigned char *box;
	size_t len;

	randombytes_buf(salt, sizeof(salt));
	if (stretch(passphrase, salt, crypto_pwhash_OPSLIMIT_MODERATE,
		    crypto_pwhash_MEMLIMIT_MODERATE, key, err) < 0)
		return -1;
	begin_text(&text);
	write_keys(keys, &text);
	len = NONCE_SIZE + crypto_secretbox_MACBYTES + text.len;
	box = mem_alloc(len);
	randombytes_buf(box, NONCE_SIZE);
	(void)crypto_secretbox_easy(box + NONCE_SIZE,
				    (const unsigned char *)text.ptr, text.len,
				    box, key);
	strbuf_addf(out, "%spassphrase %u %zu ", EXPORTED,
		    (unsigned)crypto_pwhash_OPSLIMIT_MODERATE,
		    (size_t)crypto_pwhash_MEMLIMIT_MODERATE);
	strbuf_add_base64(out, sv_make((char *)salt, sizeof(salt)));
	strbuf_addc(out, '\n');
	strbuf_add_base64(out, sv_make((char *)box, len));
	strbuf_addc(out, '\n');
	mem_free(box);
	explicit_bzero(key, sizeof(key));
	end_text(&text);
	return 0;
}

void keys_export_box(const struct keys *keys,
		     const unsigned char public_key[BOX_KEY_SIZE],
		     struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT(MAX_FILE);

	begin_text(&text);
	write_keys(keys, &text);
	strbuf_addf(out, "%sbox\n", EXPORTED);
	box_seal(public_key, strbuf_sv(&text), out);
	strbuf_addc(out, '\n');
	end_text(&text);
}

/* The line behind the header, and what follows. */
static bool split(struct sv text, struct sv *how, struct sv *sealed)
{
	size_t at = sizeof(EXPORTED) - 1;
	size_t end;

	if (!sv_starts(text, sv_from(EXPORTED)))
		return false;
	end = sv_find(text, '\n', at);
	*how = sv_sub(text, at, end);
	*sealed =
		sv_trim(sv_sub(text, end < text.len ? end + 1 : end, text.len));
	return true;
}

int keys_exported(struct sv text, const char *name, enum keys_sealed *out,
		  struct error *err)
{
	struct sv how;
	struct sv sealed;

	if (split(text, &how, &sealed)) {
		*out = sv_eq_str(how, "box") ? KEYS_BOX : KEYS_PASSPHRASE;
		if (*out == KEYS_BOX || sv_starts(how, SV_LIT("passphrase ")))
			return 0;
	}
	return error_set(err, ERR_INVALID,
			 "'%s' is not what 'conjoin key export' writes", name);
}

struct stretching {
	int64_t ops;
	int64_t memory;
	unsigned char salt[SALT_SIZE];
};

/* "passphrase OPS MEMORY SALT" */
static bool parse_stretching(struct sv how, struct stretching *out)
{
	struct strbuf salt = STRBUF_INIT(256);
	size_t first = sv_find(how, ' ', 0);
	size_t second = sv_find(how, ' ', first + 1);
	size_t third = sv_find(how, ' ', second + 1);
	bool ok = third < how.len &&
		  sv_to_i64(sv_sub(how, first + 1, second), &out->ops) &&
		  sv_to_i64(sv_sub(how, second + 1, third), &out->memory) &&
		  out->ops >= 1 && out->ops <= MAX_OPS &&
		  out->memory >= (int64_t)crypto_pwhash_MEMLIMIT_MIN &&
		  out->memory <= (int64_t)MAX_MEMORY &&
		  strbuf_add_unbase64(&salt, sv_sub(how, third + 1, how.len)) &&
		  salt.len == SALT_SIZE;

	if (ok)
		memcpy(out->salt, salt.ptr, SALT_SIZE);
	strbuf_release(&salt);
	return ok;
}

static int damaged(struct error *err)
{
	return error_set(err, ERR_CORRUPT,
			 "what 'conjoin key export' wrote is damaged; export "
			 "the keys again");
}

static int take_plain(struct sv plain, struct keys *out, struct error *err)
{
	int ok = parse_keys(plain, out);

	seal_wipe(plain);
	if (ok)
		return 0;
	keys_release(out);
	return damaged(err);
}

int keys_import_passphrase(struct sv text, struct sv passphrase,
			   struct keys *out, struct error *err)
{
	struct strbuf box = STRBUF_INIT(MAX_FILE);
	struct stretching how;
	unsigned char key[SEAL_KEY_SIZE];
	unsigned char *plain;
	struct sv first;
	struct sv sealed;
	size_t len;
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (!split(text, &first, &sealed) || !parse_stretching(first, &how) ||
	    !strbuf_add_unbase64(&box, sealed) ||
	    box.len < NONCE_SIZE + crypto_secretbox_MACBYTES) {
		strbuf_release(&box);
		return damaged(err);
	}
	len = box.len - NONCE_SIZE - crypto_secretbox_MACBYTES;
	plain = mem_alloc(len + 1);
	if (stretch(passphrase, how.salt, (unsigned long long)how.ops,
		    (size_t)how.memory, key, err) == 0) {
		if (crypto_secretbox_open_easy(
			    plain, (unsigned char *)box.ptr + NONCE_SIZE,
			    box.len - NONCE_SIZE, (unsigned char *)box.ptr,
			    key) == 0)
			ret = take_plain(sv_make((char *)plain, len), out, err);
		else
			(void)error_set(err, ERR_DENIED,
					"this is not the passphrase that the "
					"keys were exported with, or the file "
					"is damaged");
	}
	explicit_bzero(key, sizeof(key));
	mem_free(plain);
	strbuf_release(&box);
	return ret;
}

int keys_import_box(struct sv text, const unsigned char key[BOX_KEY_SIZE],
		    struct keys *out, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct sv how;
	struct sv sealed;
	struct sv plain;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!split(text, &how, &sealed))
		return damaged(err);
	if (box_open(key, sealed, &arena, &plain))
		ret = take_plain(plain, out, err);
	else
		ret = error_set(err, ERR_DENIED,
				"the keys were not exported to this key, or "
				"the file is damaged");
	arena_release(&arena);
	return ret;
}
