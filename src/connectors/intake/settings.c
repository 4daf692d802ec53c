/*
 * settings.c - what an agent says of its files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/intake_private.h"

#include "base/clock.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>

const struct setting_def intake_ready_settings[] = {
	{ .name = "stable",
	  .type = SETTING_DURATION,
	  .help = "It has not changed for so long" },
	{ .name = "marker",
	  .type = SETTING_TEXT,
	  .help = "A file of this name is beside it, %s being its name" },
	{ .name = "lock",
	  .type = SETTING_SWITCH,
	  .fallback = "no",
	  .help = "Its writer holds no lock on it" },
	{ .name = NULL },
};

const struct setting_def intake_claim_settings[] = {
	{ .name = "processing",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The folder of files that are being read" },
	{ .name = "done",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The folder of files that were imported" },
	{ .name = "failed",
	  .type = SETTING_PATH,
	  .required = true,
	  .help = "The folder of files that cannot be read, each with a text "
		  "that says why" },
	{ .name = "keep",
	  .type = SETTING_DURATION,
	  .help = "Files in `done` that are older are removed; without it "
		  "they stay" },
	{ .name = NULL },
};

const struct setting_def intake_expect_settings[] = {
	{ .name = "trailer",
	  .type = SETTING_TEXT,
	  .help = "A regular expression for the last line; its first group is "
		  "the number of rows" },
	{ .name = "rows",
	  .type = SETTING_NUMBER,
	  .fallback = "0",
	  .help = "A full import has at least so many rows" },
	{ .name = "percent",
	  .type = SETTING_NUMBER,
	  .fallback = "0",
	  .help = "A full import has at least so many percent of the rows of "
		  "the last one" },
	{ .name = NULL },
};

const struct setting_def intake_unpack_settings[] = {
	{ .name = "max_size",
	  .type = SETTING_NUMBER,
	  .fallback = "20480",
	  .help = "MiB that a compressed file may unpack to, or a fetched one "
		  "may have" },
	{ .name = "max_ratio",
	  .type = SETTING_NUMBER,
	  .fallback = "200",
	  .help = "How many times its compressed size it may unpack to" },
	{ .name = NULL },
};

const struct setting_def intake_remote_settings[] = {
	{ .name = "user",
	  .type = SETTING_TEXT,
	  .help = "Who signs in; or in the address, before the @" },
	{ .name = "password",
	  .type = SETTING_SECRET,
	  .help = "The user's password" },
	{ .name = "key",
	  .type = SETTING_SECRET,
	  .help = "sftp: the user's private key" },
	{ .name = "passphrase",
	  .type = SETTING_SECRET,
	  .help = "sftp: what opens the private key" },
	{ .name = "known_hosts",
	  .type = SETTING_PATH,
	  .help = "sftp: the file with the keys of servers, as ssh has it" },
	{ .name = "ca_file",
	  .type = SETTING_PATH,
	  .help = "https: certificates that are trusted, instead of those of "
		  "the system" },
	{ .name = "timeout",
	  .type = SETTING_DURATION,
	  .fallback = "1 minute",
	  .help = "A server that sends nothing for so long has failed" },
	{ .name = NULL },
};

struct sv intake_base(struct sv path)
{
	size_t at = path.len;

	while (at && path.ptr[at - 1] != '/')
		at--;
	return sv_sub(path, at, path.len);
}

char *intake_folder(const char *path, struct arena *arena)
{
	struct sv text = sv_from(path);
	size_t at = text.len - intake_base(text).len;

	if (!at)
		return arena_cstr(arena, SV_LIT("."));
	return arena_cstr(arena, sv_sub(text, 0, at > 1 ? at - 1 : at));
}

char *intake_duration(int64_t duration, struct arena *arena)
{
	return arena_printf(arena, "%" PRId64 " seconds",
			    duration / CLOCK_SECOND);
}

static bool is_https(struct sv path)
{
	return sv_starts(path, SV_LIT("https://"));
}

static bool is_sftp(struct sv path)
{
	return sv_starts(path, SV_LIT("sftp://"));
}

bool intake_is_remote(struct sv path)
{
	size_t colon = sv_find(path, ':', 0);

	return colon < path.len && colon > 1 &&
	       sv_starts(sv_sub(path, colon, path.len), SV_LIT("://"));
}

/* Addresses of web servers hold these characters. */
static bool is_pattern(struct sv path)
{
	struct sv base = intake_base(path);
	size_t i;

	for (i = 0; i < base.len && !is_https(path); i++)
		if (strchr("*?[", base.ptr[i]))
			return true;
	return false;
}

bool intake_fits(const struct intake_source *source, struct sv base)
{
	struct sv own = intake_base(sv_from(source->path));
	struct arena scratch = ARENA_INIT;
	bool fits = sv_eq(own, base);

	if (!fits && source->pattern)
		fits = fnmatch(arena_cstr(&scratch, own),
			       arena_cstr(&scratch, base), FNM_PERIOD) == 0;
	arena_release(&scratch);
	return fits;
}

/* The group or value of a name: the innermost that is set. */
static const struct node *node_of(const struct intake_nodes *nodes,
				  const char *name)
{
	const struct node *node = node_get(nodes->own, name);
	size_t i;

	for (i = 0; !node && i < 2; i++)
		node = node_get(nodes->outer[i], name);
	return node;
}

static struct sv word_of(const struct intake_nodes *nodes, const char *name)
{
	const struct node *node = node_of(nodes, name);

	if (node && node->kind == NODE_SCALAR)
		return node->text;
	return setting_text(NULL, nodes->defs, name);
}

static int64_t duration_of(const struct node *group,
			   const struct setting_def *defs, const char *name,
			   int64_t none)
{
	int64_t duration = none;

	(void)setting_parse_duration(setting_text(group, defs, name),
				     &duration);
	return duration;
}

static enum intake_order order_of(const struct intake_nodes *nodes,
				  unsigned flags)
{
	/* that of full imports says nothing of changes */
	const struct node *node = flags & INTAKE_DELTA
					  ? node_get(nodes->own, "take")
					  : node_of(nodes, "take");
	struct sv word = node && node->kind == NODE_SCALAR ? node->text
							   : SV_NULL;

	if (sv_eq_str(word, "each"))
		return INTAKE_EACH;
	if (sv_eq_str(word, "oldest"))
		return INTAKE_OLDEST;
	if (sv_eq_str(word, "newest"))
		return INTAKE_NEWEST;
	return flags & INTAKE_DELTA ? INTAKE_EACH : INTAKE_NEWEST;
}

static const struct node *expect_of(const struct intake_nodes *nodes,
				    unsigned flags)
{
	return flags & INTAKE_DELTA ? node_get(nodes->own, "expect")
				    : node_of(nodes, "expect");
}

static const char *path_of(const struct connector_config *config,
			   const struct node *group,
			   const struct setting_def *defs, const char *name,
			   struct arena *arena)
{
	struct sv path = setting_text(group, defs, name);

	return path.len ? connector_path(config, path, arena) : NULL;
}

static void load_remote(const struct connector_config *config,
			const struct node *group, struct arena *arena,
			struct intake_source *s)
{
	const struct setting_def *defs = intake_remote_settings;

	s->user = setting_text(group, defs, "user");
	s->password = setting_text(group, defs, "password");
	s->key = setting_text(group, defs, "key");
	s->passphrase = setting_text(group, defs, "passphrase");
	s->ca_file = path_of(config, group, defs, "ca_file", arena);
	s->known_hosts = path_of(config, group, defs, "known_hosts", arena);
	s->timeout = duration_of(group, defs, "timeout", 60 * CLOCK_SECOND);
}

static void load_claim(const struct connector_config *config,
		       const struct node *group, struct arena *arena,
		       struct intake_source *s)
{
	const struct setting_def *defs = intake_claim_settings;

	s->processing = path_of(config, group, defs, "processing", arena);
	s->done = path_of(config, group, defs, "done", arena);
	s->failed = path_of(config, group, defs, "failed", arena);
	s->keep = duration_of(group, defs, "keep", 0);
}

static uint64_t positive(const struct node *group,
			 const struct setting_def *defs, const char *name)
{
	int64_t number = setting_number(group, defs, name);

	return number > 0 ? (uint64_t)number : 1;
}

int intake_source_load(const struct connector_config *config,
		       const struct intake_nodes *nodes, struct sv path,
		       const char *id, unsigned flags, struct arena *arena,
		       struct intake_source **out, struct error *err)
{
	struct intake_source *s = arena_zalloc(arena, sizeof(*s));
	const struct node *ready = node_of(nodes, "ready");
	const struct node *expect = expect_of(nodes, flags);
	const struct node *unpack = node_of(nodes, "unpack");
	struct sv marker = setting_text(ready, intake_ready_settings, "marker");

	*out = s;
	s->config = config;
	s->id = arena_cstr(arena, sv_from(id));
	s->flags = flags;
	s->name = path;
	s->remote = intake_is_remote(path);
	s->path = s->remote ? arena_cstr(arena, path)
			    : connector_path(config, path, arena);
	s->pattern = is_pattern(path);
	s->take = order_of(nodes, flags);
	s->by_name = sv_eq_str(word_of(nodes, "order"), "name");
	(void)setting_parse_switch(word_of(nodes, "again"), &s->again);
	s->stable = duration_of(ready, intake_ready_settings, "stable", -1);
	s->marker = marker.len ? arena_cstr(arena, marker) : NULL;
	s->lock = setting_switch(ready, intake_ready_settings, "lock");
	load_claim(config, node_of(nodes, "claim"), arena, s);
	load_remote(config, node_of(nodes, "remote"), arena, s);
	s->trailer = setting_text(expect, intake_expect_settings, "trailer");
	s->rows = setting_number(expect, intake_expect_settings, "rows");
	s->percent = setting_number(expect, intake_expect_settings, "percent");
	s->max_size = positive(unpack, intake_unpack_settings, "max_size")
		      << 20;
	s->max_ratio = positive(unpack, intake_unpack_settings, "max_ratio");
	if (s->remote && !is_https(path) && !is_sftp(path))
		return error_set(err, ERR_INVALID,
				 "'" SV_FMT "' is neither a file, nor https:// "
				 "or sftp://",
				 SV_ARG(path));
	return 0;
}

bool intake_is_plain(const struct intake_nodes *nodes, struct sv path)
{
	return !intake_is_remote(path) && !is_pattern(path) &&
	       !node_of(nodes, "claim");
}

/* ---- what `check` says ---- */

struct report {
	setting_report_fn report;
	void *data;
};

static void problem(const struct report *r, const struct node *at,
		    const char *message)
{
	r->report(r->data, at, message);
}

/* The name and password part of an address. */
static struct sv authority_user(struct sv path)
{
	size_t from = sv_find(path, ':', 0) + 3;
	struct sv host;
	size_t at;

	if (from > path.len)
		return SV_NULL;
	host = sv_sub(path, from, sv_find(path, '/', from));
	at = host.len;
	while (at && host.ptr[at - 1] != '@')
		at--;
	return at ? sv_sub(host, 0, at - 1) : SV_NULL;
}

void intake_check_address(struct sv path, const struct node *at,
			  const struct node *remote, setting_report_fn report,
			  void *data)
{
	const struct report of_report = { report, data };
	const struct report *r = &of_report;
	struct sv user = authority_user(path);

	if (!is_https(path) && !is_sftp(path))
		problem(r, at,
			"a file on another machine is https://... or "
			"sftp://...; others are not known");
	if (sv_find(user, ':', 0) < user.len)
		problem(r, at,
			"a password never stands in the address: write "
			"remote: { password: secret:NAME }");
	if (is_sftp(path) && !node_get(remote, "known_hosts"))
		problem(r, remote ? remote : at,
			"'known_hosts' is missing under 'remote': the file "
			"with the server's key, as `ssh-keyscan HOST` writes "
			"it; compare it with what the server's operator says");
}

static void check_remote(const struct report *r,
			 const struct intake_nodes *nodes, struct sv path,
			 const struct node *at)
{
	intake_check_address(path, at, node_of(nodes, "remote"), r->report,
			     r->data);
	if (node_of(nodes, "claim"))
		problem(r, node_of(nodes, "claim"),
			"'claim' moves files of this machine; what was "
			"fetched is known by the watermark");
	if (node_of(nodes, "ready") &&
	    (is_https(path) || node_get(node_of(nodes, "ready"), "lock")))
		problem(r, node_of(nodes, "ready"),
			is_https(path) ? "'ready' is for files of this "
					 "machine and of sftp servers"
				       : "'lock' is for files of this machine");
}

static void check_expect(const struct report *r, const struct node *expect,
			 unsigned flags)
{
	struct sv trailer =
		setting_text(expect, intake_expect_settings, "trailer");
	struct arena scratch = ARENA_INIT;
	const char *why =
		trailer.len ? expect_pattern_problem(trailer, &scratch) : NULL;
	int64_t percent =
		setting_number(expect, intake_expect_settings, "percent");

	if (why)
		problem(r, node_get(expect, "trailer"), why);
	if (trailer.len && flags & INTAKE_DOCUMENT)
		problem(r, node_get(expect, "trailer"),
			"'trailer' is a last line; a file of this format has "
			"an end of its own, and one without it fails the "
			"import");
	if (percent < 0 || percent > 100)
		problem(r, node_get(expect, "percent"),
			"'percent' must be 0 to 100");
	if (setting_number(expect, intake_expect_settings, "rows") < 0)
		problem(r, node_get(expect, "rows"),
			"'rows' must be a number of rows");
	if ((flags & INTAKE_DELTA) &&
	    (node_get(expect, "rows") || node_get(expect, "percent")))
		problem(r, expect,
			"a file of changes may be short: only 'trailer' "
			"tells that it is whole");
	arena_release(&scratch);
}

static void check_limits(const struct report *r, const struct node *unpack)
{
	static const char *const names[] = { "max_size", "max_ratio" };
	size_t i;

	for (i = 0; i < 2; i++)
		if (node_get(unpack, names[i]) &&
		    (setting_number(unpack, intake_unpack_settings, names[i]) <
			     1 ||
		     setting_number(unpack, intake_unpack_settings, names[i]) >
			     1000000000))
			problem(r, node_get(unpack, names[i]),
				"a limit must be 1 or more");
}

void intake_check(const struct intake_nodes *nodes, struct sv path,
		  unsigned flags, setting_report_fn report, void *data)
{
	struct report r = { report, data };
	const struct node *at = node_get(nodes->own, "path");
	const struct node *ready = node_of(nodes, "ready");
	struct sv marker = setting_text(ready, intake_ready_settings, "marker");

	if (!at)
		at = nodes->own;
	if (intake_is_remote(path))
		check_remote(&r, nodes, path, at);
	if (sv_find(marker, '/', 0) < marker.len)
		problem(&r, node_get(ready, "marker"),
			"'marker' is the name of a file in the same folder");
	check_expect(&r, expect_of(nodes, flags), flags);
	check_limits(&r, node_of(nodes, "unpack"));
}
