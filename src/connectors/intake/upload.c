/*
 * upload.c - puts a file on an sftp or web server
 *
 * On an sftp server it is written under a hidden name and renamed when all of
 * it is there, so that nobody finds half of it; its folder must be there. A web
 * server gets one PUT and is trusted to take it whole or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* The path of an address as the server has it, its escapes resolved. */
static char *server_path(struct fetch *f, struct sv url, struct arena *arena)
{
	size_t from = sv_find(url, '/', sizeof("sftp://") - 1);
	struct sv path = sv_sub(url, from, url.len);
	int len = 0;
	char *plain =
		curl_easy_unescape(f->curl, path.ptr, (int)path.len, &len);
	char *out = arena_cstr(arena, sv_make(plain, (size_t)len));

	curl_free(plain);
	/* In an address the user's own folder is "/~/". */
	return sv_starts(sv_from(out), SV_LIT("/~/")) ? out + 3 : out;
}

/* As libcurl wants a name within a command. */
static const char *quoted(const char *path, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *text;

	strbuf_addc(&out, '"');
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			strbuf_addc(&out, '\\');
		strbuf_addc(&out, *path);
	}
	strbuf_addc(&out, '"');
	text = arena_cstr(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return text;
}

/* The address of the hidden name, and the commands that make it the real one:
 * the old file goes first, when there is one, since servers do not all rename
 * over another. */
static const char *set_commands(struct fetch *f, const char *url,
				struct arena *arena)
{
	struct sv base = intake_base(sv_from(url));
	struct sv folder = sv_sub(sv_from(url), 0, sv_from(url).len - base.len);
	const char *hidden = arena_printf(arena, SV_FMT "." SV_FMT ".part",
					  SV_ARG(folder), SV_ARG(base));
	const char *to = quoted(server_path(f, sv_from(url), arena), arena);
	const char *from =
		quoted(server_path(f, sv_from(hidden), arena), arena);

	f->headers = curl_slist_append(NULL, arena_printf(arena, "*rm %s", to));
	f->headers = curl_slist_append(
		f->headers, arena_printf(arena, "rename %s %s", from, to));
	(void)curl_easy_setopt(f->curl, CURLOPT_POSTQUOTE, f->headers);
	return hidden;
}

/* A server that asks who it is first has it sent again. */
static int seek_file(void *data, curl_off_t offset, int origin)
{
	return fseeko(data, offset, origin) == 0 ? CURL_SEEKFUNC_OK
						 : CURL_SEEKFUNC_FAIL;
}

static int send_file(struct fetch *f, FILE *file, const char *url,
		     struct error *err)
{
	struct arena scratch = ARENA_INIT;
	const char *to = url;
	struct stat st;
	int ret;

	if (fstat(fileno(file), &st) < 0)
		return error_errno(err, errno,
				   "cannot read what is sent to "
				   "'%s'",
				   url);
	(void)curl_easy_setopt(f->curl, CURLOPT_UPLOAD, 1L);
	(void)curl_easy_setopt(f->curl, CURLOPT_READDATA, file);
	(void)curl_easy_setopt(f->curl, CURLOPT_SEEKFUNCTION, seek_file);
	(void)curl_easy_setopt(f->curl, CURLOPT_SEEKDATA, file);
	(void)curl_easy_setopt(f->curl, CURLOPT_INFILESIZE_LARGE,
			       (curl_off_t)st.st_size);
	if (fetch_is_sftp(f->source))
		to = set_commands(f, url, &scratch);
	ret = fetch_perform(f, to, err);
	if (ret == 0 && !fetch_is_sftp(f->source))
		ret = fetch_status(f, url, err) < 0 ? -1 : 0;
	arena_release(&scratch);
	return ret;
}

int upload_file(const struct intake_source *source, const char *path,
		const char *url, struct error *err)
{
	FILE *file = fopen(path, "re");
	struct fetch f;
	int ret;

	if (!file)
		return error_errno(err, errno, "cannot read '%s'", path);
	ret = fetch_open(&f, source, err);
	if (ret == 0) {
		f.doing = "send";
		ret = send_file(&f, file, url, err);
		fetch_close(&f);
	}
	(void)fclose(file);
	return ret;
}
