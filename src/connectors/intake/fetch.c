/*
 * fetch.c - files of web and sftp servers, by libcurl
 *
 * A certificate or host key that is not known ends it; nothing is asked and
 * nothing is remembered. What is fetched lies in a temporary file without a
 * name. A file that changes on an sftp server while it is fetched is not
 * taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/fetch.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LISTING_MAX ((size_t)16 << 20)

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void fetch_close(struct fetch *f)
{
	if (f->curl)
		curl_easy_cleanup(f->curl);
	curl_slist_free_all(f->headers);
	strbuf_release(&f->text);
	if (f->key >= 0)
		(void)close(f->key);
	f->curl = NULL;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
	struct fetch *f = data;
	size_t len = size * count;
	size_t done = 0;

	f->size += len;
	if (f->fd < 0) {
		strbuf_add(&f->text, bytes, len);
		return f->text.overflow ? 0 : len;
	}
	f->too_big = f->size > f->source->max_size;
	while (!f->too_big && done < len) {
		ssize_t n = write(f->fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			f->write_errno = errno;
			return 0;
		}
		done += (size_t)n;
	}
	return f->too_big ? 0 : len;
}

static void take_value(struct sv line, const char *name,
		       char out[FETCH_TAG_MAX])
{
	size_t colon = sv_find(line, ':', 0);

	if (colon < line.len && sv_ieq_str(sv_sub(line, 0, colon), name))
		(void)snprintf(
			out, FETCH_TAG_MAX, SV_FMT,
			SV_ARG(sv_trim(sv_sub(line, colon + 1, line.len))));
}

static size_t take_header(char *bytes, size_t size, size_t count, void *data)
{
	struct fetch *f = data;
	struct sv line = sv_make(bytes, size * count);

	if (sv_starts(line, SV_LIT("HTTP/"))) { /* of the last answer only */
		f->etag[0] = '\0';
		f->modified[0] = '\0';
	}
	take_value(line, "etag", f->etag);
	take_value(line, "last-modified", f->modified);
	return line.len;
}

static int get_secret(const struct intake_source *source, struct sv reference,
		      struct secret *out, struct error *err)
{
	const struct connector_config *config = source->config;

	if (!config->secret)
		return error_set(err, ERR_DENIED, "there are no secrets here");
	return config->secret(config->secret_data, reference, out, err);
}

static int set_secret(struct fetch *f, CURLoption option, struct sv reference,
		      struct error *err)
{
	struct secret secret = SECRET_INIT;
	int ret;

	if (!reference.len)
		return 0;
	ret = get_secret(f->source, reference, &secret, err);
	if (ret == 0)
		(void)curl_easy_setopt(f->curl, option, secret.bytes);
	secret_release(&secret);
	return ret;
}

/* The library wants a file; this one is never on a disk. */
static int set_key(struct fetch *f, struct error *err)
{
	struct secret secret = SECRET_INIT;
	char path[64];
	int ret;

	if (!f->source->key.len)
		return 0;
	ret = get_secret(f->source, f->source->key, &secret, err);
	if (ret < 0)
		return -1;
	f->key = memfd_create("key", MFD_CLOEXEC);
	if (f->key < 0 ||
	    write(f->key, secret.bytes, secret.len) != (ssize_t)secret.len ||
	    (secret.len && secret.bytes[secret.len - 1] != '\n' &&
	     write(f->key, "\n", 1) != 1))
		ret = error_errno(err, errno, "cannot hand over the key");
	secret_release(&secret);
	if (ret < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", f->key);
	(void)curl_easy_setopt(f->curl, CURLOPT_SSH_PRIVATE_KEYFILE, path);
	(void)curl_easy_setopt(f->curl, CURLOPT_SSH_AUTH_TYPES,
			       (long)CURLSSH_AUTH_PUBLICKEY);
	return set_secret(f, CURLOPT_KEYPASSWD, f->source->passphrase, err);
}

bool fetch_is_sftp(const struct intake_source *source)
{
	return sv_starts(sv_from(source->path), SV_LIT("sftp://"));
}

static void set_limits(struct fetch *f)
{
	long seconds = (long)(f->source->timeout / CLOCK_SECOND);

	if (seconds < 1)
		seconds = 1;
	(void)curl_easy_setopt(f->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(f->curl, CURLOPT_CONNECTTIMEOUT, seconds);
	(void)curl_easy_setopt(f->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(f->curl, CURLOPT_LOW_SPEED_TIME, seconds);
	(void)curl_easy_setopt(f->curl, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(f->curl, CURLOPT_MAXREDIRS, 5L);
	(void)curl_easy_setopt(f->curl, CURLOPT_PROTOCOLS_STR,
			       fetch_is_sftp(f->source) ? "sftp" : "https");
	(void)curl_easy_setopt(f->curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
}

static int set_trust(struct fetch *f, struct error *err)
{
	const struct intake_source *s = f->source;

	if (s->ca_file)
		(void)curl_easy_setopt(f->curl, CURLOPT_CAINFO, s->ca_file);
	if (!fetch_is_sftp(s))
		return 0;
	if (!s->known_hosts || access(s->known_hosts, R_OK) < 0)
		return error_set(err, ERR_INVALID,
				 "cannot reach '" SV_FMT "': the file '%s' of "
				 "`remote: known_hosts` cannot be read",
				 SV_ARG(s->name),
				 s->known_hosts ? s->known_hosts : "");
	(void)curl_easy_setopt(f->curl, CURLOPT_SSH_KNOWNHOSTS, s->known_hosts);
	return 0;
}

int fetch_open(struct fetch *f, const struct intake_source *source,
	       struct error *err)
{
	struct arena scratch = ARENA_INIT;

	memset(f, 0, sizeof(*f));
	f->source = source;
	f->doing = "fetch";
	f->fd = -1;
	f->key = -1;
	f->text.max = LISTING_MAX;
	(void)pthread_once(&started, start);
	f->curl = curl_easy_init();
	if (!f->curl)
		return error_set(err, ERR_INTERNAL, "cannot use libcurl");
	(void)curl_easy_setopt(f->curl, CURLOPT_ERRORBUFFER, f->why);
	(void)curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, f);
	(void)curl_easy_setopt(f->curl, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(f->curl, CURLOPT_HEADERDATA, f);
	(void)curl_easy_setopt(f->curl, CURLOPT_FILETIME, 1L);
	(void)curl_easy_setopt(f->curl, CURLOPT_USERAGENT, "conjoin");
	set_limits(f);
	if (source->user.len)
		(void)curl_easy_setopt(f->curl, CURLOPT_USERNAME,
				       arena_cstr(&scratch, source->user));
	arena_release(&scratch);
	if (set_trust(f, err) == 0 && set_key(f, err) == 0 &&
	    set_secret(f, CURLOPT_PASSWORD, source->password, err) == 0)
		return 0;
	fetch_close(f);
	return -1;
}

static enum err_code code_of(CURLcode code)
{
	if (code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_LOGIN_DENIED || code == CURLE_REMOTE_ACCESS_DENIED ||
	    code == CURLE_SSL_CACERT_BADFILE)
		return ERR_DENIED;
	if (code == CURLE_REMOTE_FILE_NOT_FOUND)
		return ERR_NOTFOUND;
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return ERR_INVALID;
	return ERR_UNAVAILABLE;
}

static const char *advice_of(const struct fetch *f, CURLcode code)
{
	if (code == CURLE_PEER_FAILED_VERIFICATION && fetch_is_sftp(f->source))
		return "; its host key must stand in the file of `remote: "
		       "known_hosts`";
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return "; who signed its certificate must be known to the "
		       "system, or stand in the file of `remote: ca_file`";
	if (code == CURLE_LOGIN_DENIED)
		return "; look at `user`, `password` and `key` under `remote`";
	return "";
}

static int refused(struct fetch *f, const char *url, CURLcode code,
		   struct error *err)
{
	if (f->too_big)
		return error_set(err, ERR_LIMIT,
				 "'%s' has more than %" PRIu64
				 " MiB; if that is right, raise `unpack: "
				 "max_size`",
				 url, f->source->max_size >> 20);
	if (f->write_errno)
		return error_errno(err, f->write_errno,
				   "cannot keep what is fetched of '%s' in a "
				   "temporary file; TMPDIR names its folder",
				   url);
	return error_set(err, code_of(code), "cannot %s '%s': %s%s", f->doing,
			 url, f->why[0] ? f->why : curl_easy_strerror(code),
			 advice_of(f, code));
}

int fetch_status(const struct fetch *f, const char *url, struct error *err)
{
	enum err_code code = ERR_INVALID;
	long status = 0;

	(void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 1;
	if (status == 304)
		return 0;
	if (status == 401 || status == 403)
		code = ERR_DENIED;
	else if (status == 404 || status == 410)
		code = ERR_NOTFOUND;
	else if (status == 408 || status == 429 || status >= 500)
		code = ERR_UNAVAILABLE;
	return error_set(err, code,
			 "cannot %s '%s': the server answers "
			 "with status %ld",
			 f->doing, url, status);
}

int fetch_perform(struct fetch *f, const char *url, struct error *err)
{
	CURLcode code;

	f->size = 0;
	f->why[0] = '\0';
	(void)curl_easy_setopt(f->curl, CURLOPT_URL, url);
	code = curl_easy_perform(f->curl);
	return code == CURLE_OK ? 0 : refused(f, url, code, err);
}

/* ---- https ---- */

static void ask_for_newer(struct fetch *f, struct sv tag, struct arena *arena)
{
	const char *name = tag.len > 1 && tag.ptr[0] == 'E'
				   ? "If-None-Match"
				   : "If-Modified-Since";

	if (tag.len < 2)
		return;
	f->headers = curl_slist_append(
		f->headers, arena_printf(arena, "%s: " SV_FMT, name,
					 SV_ARG(sv_sub(tag, 1, tag.len))));
	(void)curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, f->headers);
}

static int fetch_web(struct fetch *f, const char *url, struct sv tag,
		     struct arena *arena, struct sv *tag_out, struct error *err)
{
	int ret;

	ask_for_newer(f, tag, arena);
	if (fetch_perform(f, url, err) < 0)
		return -1;
	ret = fetch_status(f, url, err);
	if (f->etag[0])
		*tag_out = sv_from(arena_printf(arena, "E%s", f->etag));
	else if (f->modified[0])
		*tag_out = sv_from(arena_printf(arena, "M%s", f->modified));
	return ret;
}

/* ---- sftp ---- */

/* Time and size of a file. */
static int look_at(struct fetch *f, const char *url, int64_t *time,
		   int64_t *size, struct error *err)
{
	curl_off_t number = -1;
	int ret;

	(void)curl_easy_setopt(f->curl, CURLOPT_NOBODY, 1L);
	ret = fetch_perform(f, url, err);
	(void)curl_easy_setopt(f->curl, CURLOPT_NOBODY, 0L);
	(void)curl_easy_setopt(f->curl, CURLOPT_HTTPGET, 1L);
	(void)curl_easy_getinfo(f->curl, CURLINFO_FILETIME_T, &number);
	*time = number;
	number = -1;
	(void)curl_easy_getinfo(f->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
				&number);
	*size = number;
	return ret;
}

static int fetch_sftp(struct fetch *f, const char *url, struct sv tag,
		      struct arena *arena, struct sv *tag_out,
		      struct error *err)
{
	int64_t time;
	int64_t size;
	int64_t then;
	int64_t size_then;

	if (look_at(f, url, &time, &size, err) < 0)
		return -1;
	*tag_out = sv_from(
		arena_printf(arena, "S%" PRId64 ":%" PRId64, time, size));
	if (sv_eq(tag, *tag_out))
		return 0;
	if (fetch_perform(f, url, err) < 0)
		return -1;
	size_then = (int64_t)f->size;
	if (size_then == size && look_at(f, url, &then, &size_then, err) < 0)
		return -1;
	if (size_then == size && then == time)
		return 1;
	return error_set(err, ERR_UNAVAILABLE,
			 "'%s' was written to while it was fetched; import it "
			 "again when its writer has finished, and see to it "
			 "with `ready`",
			 url);
}

int fetch_file(const struct intake_source *source, const char *url,
	       struct sv tag, struct arena *arena, int *fd_out,
	       struct sv *tag_out, struct error *err)
{
	struct fetch f;
	int ret;

	*tag_out = SV_NULL;
	if (fetch_open(&f, source, err) < 0)
		return -1;
	f.fd = unpack_temporary(err);
	ret = f.fd < 0 ? -1
	      : fetch_is_sftp(source)
		      ? fetch_sftp(&f, url, tag, arena, tag_out, err)
		      : fetch_web(&f, url, tag, arena, tag_out, err);
	if (ret > 0)
		*fd_out = f.fd;
	else if (f.fd >= 0)
		(void)close(f.fd);
	fetch_close(&f);
	return ret;
}

/* ---- folders of an sftp server ---- */

static bool has_name(struct sv listing, struct sv name)
{
	size_t at = 0;

	while (at < listing.len) {
		size_t end = sv_find(listing, '\n', at);

		if (sv_eq(sv_trim(sv_sub(listing, at, end)), name))
			return true;
		at = end + 1;
	}
	return false;
}

/* Complete, as far as a folder's listing and the file's time tell. */
static bool is_complete(const struct fetch *f, struct sv listing,
			const struct candidate *file, struct arena *arena)
{
	const struct intake_source *s = f->source;
	int64_t changed = file->time / 100 + CLOCK_UNIX_EPOCH;

	if (s->stable >= 0 && clock_now() - changed < s->stable)
		return false;
	return !s->marker || has_name(listing, intake_base(sv_from(find_marker(
						       s, file->path, arena))));
}

static int add_remote(struct fetch *f, struct sv listing, struct sv folder,
		      struct sv name, struct arena *arena,
		      struct candidates *out, struct error *err)
{
	char *escaped = curl_easy_escape(f->curl, name.ptr, (int)name.len);
	struct candidate file = { .base = arena_dup(arena, name) };
	int64_t size;

	file.path = arena_printf(arena, SV_FMT "%s", SV_ARG(folder),
				 escaped ? escaped : "");
	curl_free(escaped);
	f->fd = -1;
	if (look_at(f, file.path, &file.time, &size, err) < 0)
		return -1;
	file.time *= 1000000000;
	file.size = (uint64_t)size;
	if (is_complete(f, listing, &file, arena))
		vec_push(&out->list, file);
	return 0;
}

static int list_files(struct fetch *f, struct sv folder, struct arena *arena,
		      struct candidates *out, struct error *err)
{
	struct sv listing;
	size_t at = 0;
	int ret;

	(void)curl_easy_setopt(f->curl, CURLOPT_DIRLISTONLY, 1L);
	ret = fetch_perform(f, arena_cstr(arena, folder), err);
	(void)curl_easy_setopt(f->curl, CURLOPT_DIRLISTONLY, 0L);
	listing = arena_dup(arena, strbuf_sv(&f->text));
	while (ret == 0 && at < listing.len) {
		size_t end = sv_find(listing, '\n', at);
		struct sv name = sv_trim(sv_sub(listing, at, end));

		if (name.len && intake_fits(f->source, name))
			ret = add_remote(f, listing, folder, name, arena, out,
					 err);
		at = end + 1;
	}
	return ret;
}

int fetch_list(const struct intake_source *source, struct arena *arena,
	       struct candidates *out, struct error *err)
{
	struct sv path = sv_from(source->path);
	struct sv folder = sv_sub(path, 0, path.len - intake_base(path).len);
	struct fetch f;
	int ret;

	if (fetch_open(&f, source, err) < 0)
		return -1;
	ret = list_files(&f, folder, arena, out, err);
	fetch_close(&f);
	vec_sort(&out->list, source->by_name ? find_by_name : find_older);
	return ret;
}
