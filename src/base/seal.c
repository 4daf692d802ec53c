/*
 * seal.c - values that lie encrypted in the store until they are needed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/seal.h"

#include "base/file.h"

#include <sodium.h>
#include <string.h>

#define NONCE_SIZE crypto_secretbox_NONCEBYTES
#define OVERHEAD   (NONCE_SIZE + crypto_secretbox_MACBYTES)

_Static_assert(SEAL_KEY_SIZE == crypto_secretbox_KEYBYTES, "another key");
_Static_assert(BOX_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "another key");
_Static_assert(BOX_KEY_SIZE == crypto_box_SECRETKEYBYTES, "another key");

static const char MARK[] = "\0conjoin sealed 1"; /* and a NUL */
#define MARK_SIZE sizeof(MARK)

void seal_release(struct seal *seal)
{
	secret_release(&seal->loaded);
}

bool seal_is(struct sv value)
{
	return value.len >= MARK_SIZE && !memcmp(value.ptr, MARK, MARK_SIZE);
}

struct sv seal_empty(void)
{
	return sv_make(MARK, MARK_SIZE);
}

void seal_wipe(struct sv plain)
{
	if (plain.len)
		explicit_bzero((char *)(uintptr_t)plain.ptr, plain.len);
}

static int load(struct seal *seal, bool make, struct error *err)
{
	if (seal->loaded.len)
		return 0;
	if (!seal->key)
		return error_set(err, ERR_UNSUPPORTED,
				 "there is no key for secret values here");
	return seal->key(seal->data, make, &seal->loaded, err);
}

int seal_close(struct seal *seal, struct sv plain, struct arena *arena,
	       struct sv *out, struct error *err)
{
	unsigned char *all;
	unsigned char *nonce;

	if (load(seal, true, err) < 0)
		return -1;
	all = arena_alloc(arena, MARK_SIZE + OVERHEAD + plain.len);
	nonce = all + MARK_SIZE;
	memcpy(all, MARK, MARK_SIZE);
	randombytes_buf(nonce, NONCE_SIZE);
	(void)crypto_secretbox_easy(nonce + NONCE_SIZE,
				    (const unsigned char *)plain.ptr, plain.len,
				    nonce, (unsigned char *)seal->loaded.bytes);
	*out = sv_make((char *)all, MARK_SIZE + OVERHEAD + plain.len);
	return 0;
}

int seal_open_by(struct seal *seal, struct sv sealed, struct arena *arena,
		 struct sv *out, size_t *key_out, struct error *err)
{
	const unsigned char *nonce;
	unsigned char *plain;
	size_t at;
	size_t len;

	if (load(seal, false, err) < 0)
		return -1;
	if (!seal_is(sealed) || sealed.len < MARK_SIZE + OVERHEAD)
		return error_set(err, ERR_INVALID,
				 "encryption-key-lost: the secret value is "
				 "damaged");
	nonce = (const unsigned char *)sealed.ptr + MARK_SIZE;
	len = sealed.len - MARK_SIZE - OVERHEAD;
	plain = arena_alloc(arena, len + 1);
	plain[len] = '\0';
	for (at = 0; at < seal->loaded.len; at += SEAL_KEY_SIZE)
		if (crypto_secretbox_open_easy(
			    plain, nonce + NONCE_SIZE,
			    sealed.len - MARK_SIZE - NONCE_SIZE, nonce,
			    (unsigned char *)seal->loaded.bytes + at) == 0)
			break;
	if (at >= seal->loaded.len)
		return error_set(err, ERR_INVALID,
				 "encryption-key-lost: the secret value was "
				 "sealed with another key; put the key of then "
				 "back, or have the object made anew");
	*out = sv_make((char *)plain, len);
	*key_out = at / SEAL_KEY_SIZE;
	return 0;
}

int seal_open(struct seal *seal, struct sv sealed, struct arena *arena,
	      struct sv *out, struct error *err)
{
	size_t key;

	return seal_open_by(seal, sealed, arena, out, &key, err);
}

/* ---- for somebody else ---- */

int box_key_parse(struct sv text, unsigned char out[BOX_KEY_SIZE])
{
	struct strbuf bytes = STRBUF_INIT(256);
	int ok = strbuf_add_unbase64(&bytes, sv_trim(text)) &&
		 !bytes.overflow && bytes.len == BOX_KEY_SIZE;

	if (ok)
		memcpy(out, bytes.ptr, BOX_KEY_SIZE);
	if (bytes.ptr)
		explicit_bzero(bytes.ptr, bytes.size);
	strbuf_release(&bytes);
	return ok;
}

int box_key_read(const char *path, unsigned char out[BOX_KEY_SIZE],
		 struct error *err)
{
	struct strbuf text = STRBUF_INIT(4096);
	int ret = file_read(path, &text, err);

	if (ret == 0 && !box_key_parse(strbuf_sv(&text), out))
		ret = error_set(err, ERR_INVALID,
				"'%s' is not a key as 'conjoin secret "
				"keypair' makes it",
				path);
	if (text.ptr)
		explicit_bzero(text.ptr, text.size);
	strbuf_release(&text);
	return ret;
}

void box_keypair(unsigned char public_out[BOX_KEY_SIZE],
		 unsigned char secret_out[BOX_KEY_SIZE])
{
	(void)crypto_box_keypair(public_out, secret_out);
}

void box_seal(const unsigned char public_key[BOX_KEY_SIZE], struct sv plain,
	      struct strbuf *out)
{
	size_t len = plain.len + crypto_box_SEALBYTES;
	unsigned char *sealed = mem_alloc(len);

	(void)crypto_box_seal(sealed, (const unsigned char *)plain.ptr,
			      plain.len, public_key);
	strbuf_add_base64(out, sv_make((char *)sealed, len));
	mem_free(sealed);
}

int box_open(const unsigned char secret_key[BOX_KEY_SIZE], struct sv text,
	     struct arena *arena, struct sv *out)
{
	struct strbuf sealed = STRBUF_INIT(STRBUF_NO_LIMIT);
	unsigned char public_key[BOX_KEY_SIZE];
	unsigned char *plain;
	int ok = strbuf_add_unbase64(&sealed, text) &&
		 sealed.len >= crypto_box_SEALBYTES;

	(void)crypto_scalarmult_base(public_key, secret_key);
	if (ok) {
		plain = arena_alloc(arena, sealed.len);
		ok = crypto_box_seal_open(plain, (unsigned char *)sealed.ptr,
					  sealed.len, public_key,
					  secret_key) == 0;
		*out = sv_make((char *)plain,
			       sealed.len - crypto_box_SEALBYTES);
	}
	strbuf_release(&sealed);
	return ok;
}
