/*
 * outlet.c - files for others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/intake/outlet.h"

#include "base/clock.h"
#include "connectors/intake/intake_private.h"
#include "connectors/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct setting_def outlet_settings[] = {
	{ .name = "content",
	  .type = SETTING_CHOICE,
	  .fallback = "full",
	  .words = "full|changes",
	  .help = "Whether exports rewrite the file at `path`, or tell in a "
		  "file of its own what changed" },
	{ .name = "path",
	  .type = SETTING_PATH,
	  .help = "The file that is handed on: of changes, or a copy of all; "
		  "{date} and {time} are those of the run; also sftp:// and "
		  "https://" },
	{ .name = "change",
	  .type = SETTING_TEXT,
	  .help = "The column or name that says what happened; that of "
		  "`delta` when it is not set" },
	{ .name = "add",
	  .type = SETTING_TEXT,
	  .fallback = "Add",
	  .help = "The word for a new object" },
	{ .name = "modify",
	  .type = SETTING_TEXT,
	  .fallback = "Modify",
	  .help = "The word for a changed object; what is said of it is "
		  "whole" },
	{ .name = "delete",
	  .type = SETTING_TEXT,
	  .fallback = "Delete",
	  .help = "The word for an object that is gone; only its anchor is "
		  "told" },
	{ .name = "trailer",
	  .type = SETTING_TEXT,
	  .help = "The last line of a file that an export makes; {rows} is "
		  "the number of its rows" },
	{ .name = "remote",
	  .type = SETTING_GROUP,
	  .group = intake_remote_settings,
	  .help = "How an https or sftp server is reached" },
	{ .name = NULL },
};

/* ---- settings ---- */

/* What is not set is as a delta import reads it. */
static struct sv word_of(const struct outlet_place *place, const char *name)
{
	if (!node_get(place->own, name) && node_get(place->delta, name))
		return setting_text(place->delta, place->delta_defs, name);
	return setting_text(place->own, outlet_settings, name);
}

int outlet_load(const struct outlet_place *place, struct arena *arena,
		struct outlet *out, struct error *err)
{
	struct intake_nodes nodes = { place->own,
				      { place->outer[0], place->outer[1] },
				      outlet_settings };

	out->changes =
		sv_eq_str(setting_text(place->own, outlet_settings, "content"),
			  "changes");
	out->path = setting_text(place->own, outlet_settings, "path");
	out->trailer = setting_text(place->own, outlet_settings, "trailer");
	out->change = word_of(place, "change");
	out->words[OUTLET_ADD] = word_of(place, "add");
	out->words[OUTLET_MODIFY] = word_of(place, "modify");
	out->words[OUTLET_DELETE] = word_of(place, "delete");
	if (out->changes &&
	    (!out->path.len || (!out->change.len && !place->wordless)))
		return error_set(err, ERR_INVALID,
				 "an export of changes needs 'path' and "
				 "'change'");
	if (!out->path.len)
		return 0;
	return intake_source_load(place->config, &nodes, out->path, "export", 0,
				  arena, &out->to, err);
}

static bool has(struct sv text, const char *part)
{
	return memmem(text.ptr ? text.ptr : "", text.len, part, strlen(part)) !=
	       NULL;
}

void outlet_check(const struct outlet_place *place, setting_report_fn report,
		  void *data)
{
	struct sv path = setting_text(place->own, outlet_settings, "path");
	struct sv trailer =
		setting_text(place->own, outlet_settings, "trailer");
	bool changes =
		sv_eq_str(setting_text(place->own, outlet_settings, "content"),
			  "changes");
	const struct node *at = node_get(place->own, "path");
	const struct node *remote = node_get(place->own, "remote");
	size_t i;

	for (i = 0; !remote && i < 2; i++)
		remote = node_get(place->outer[i], "remote");
	if (!at)
		at = place->own;
	if (!path.len && (changes || !trailer.len))
		report(data, at,
		       "'path' is missing: the file that is handed "
		       "on");
	if (changes && path.len &&
	    !(has(path, "{date}") && has(path, "{time}")))
		report(data, at,
		       "each export makes a file of its own: write {date} and "
		       "{time} into its name");
	if (changes && !place->wordless && !word_of(place, "change").len)
		report(data, place->own,
		       "'change' is missing: the column or name that says what "
		       "happened");
	if (trailer.len && !has(trailer, "{rows}"))
		report(data, node_get(place->own, "trailer"),
		       "'trailer' has no {rows}, where their number stands");
	if (intake_is_remote(path))
		intake_check_address(path, at, remote, report, data);
}

/* ---- names ---- */

static void add_name(struct strbuf *out, struct sv name)
{
	struct civil_time now;
	size_t i = 0;

	clock_to_civil(clock_now(), &now);
	while (i < name.len) {
		struct sv rest = sv_sub(name, i, name.len);

		if (sv_starts(rest, SV_LIT("{date}"))) {
			strbuf_addf(out, "%04d%02d%02d", (int)now.year,
				    now.month, now.day);
			i += 6;
		} else if (sv_starts(rest, SV_LIT("{time}"))) {
			strbuf_addf(out, "%02d%02d%02d", now.hour, now.minute,
				    now.second);
			i += 6;
		} else {
			strbuf_addc(out, name.ptr[i++]);
		}
	}
}

static const char *name_now(const struct outlet *outlet, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *name;

	add_name(&out, sv_from(outlet->to->path));
	name = arena_cstr(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return name;
}

/* Where it is written until it is complete. */
static const char *hidden_name(const struct outlet *outlet, const char *path,
			       struct arena *arena)
{
	const char *folder = getenv("TMPDIR");

	if (!outlet->to->remote)
		return arena_printf(arena, "%s/." SV_FMT,
				    intake_folder(path, arena),
				    SV_ARG(intake_base(sv_from(path))));
	return arena_printf(arena, "%s/.conjoin-%" PRIx64,
			    folder && *folder ? folder : "/var/tmp",
			    (uint64_t)clock_now());
}

/* ---- files ---- */

int outlet_open(const struct outlet *outlet, struct arena *arena,
		struct file_replace *file, const char **path_out,
		struct error *err)
{
	const char *hidden;

	*path_out = name_now(outlet, arena);
	hidden = hidden_name(outlet, *path_out, arena);
	if (file_make_parent(hidden, err) < 0)
		return -1;
	return file_replace_open(file, hidden, outlet->to->remote ? 0600 : 0666,
				 err);
}

/* Another export may have taken the name within the same second; its name
 * comes first also in the order of names. */
static int show(const char *hidden, const char *path, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	struct sv folder = sv_from(path);
	struct sv base = intake_base(folder);
	size_t dot = sv_find(base, '.', 1);
	const char *name = path;
	int ret = 0;
	int i;

	folder.len -= base.len;
	for (i = 2; claim_rename(hidden, name) < 0; i++) {
		if (errno != EEXIST || i > 1000) {
			ret = error_errno(err, errno, "cannot write '%s'",
					  name);
			(void)unlink(hidden);
			break;
		}
		name = arena_printf(&scratch, SV_FMT SV_FMT "_%03d" SV_FMT,
				    SV_ARG(folder),
				    SV_ARG(sv_sub(base, 0, dot)), i,
				    SV_ARG(sv_sub(base, dot, base.len)));
	}
	if (ret == 0)
		ret = file_sync(intake_folder(path, &scratch), err);
	arena_release(&scratch);
	return ret;
}

int outlet_close(const struct outlet *outlet, struct file_replace *file,
		 const char *path, struct error *err)
{
	struct arena scratch = ARENA_INIT;
	const char *hidden = arena_cstr(&scratch, sv_from(file->path));
	int ret;

	if (outlet->to->remote) {
		ret = fflush(file->stream) != 0
			      ? error_errno(err, errno, "cannot write '%s'",
					    file->temporary)
			      : upload_file(outlet->to, file->temporary, path,
					    err);
		file_replace_abort(file);
	} else {
		ret = file_replace_commit(file, err);
		if (ret == 0 && outlet->changes)
			ret = show(hidden, path, err);
		else if (ret == 0 && rename(hidden, path) < 0)
			ret = error_errno(err, errno, "cannot replace '%s'",
					  path);
		if (ret == 0 && !outlet->changes)
			ret = file_sync(intake_folder(path, &scratch), err);
	}
	arena_release(&scratch);
	return ret;
}

static int copy_bytes(const char *from, FILE *to, struct error *err)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st) < 0)
		ret = error_errno(err, errno, "cannot read '%s'", from);
	else
		ret = spool_copy(fd, 0, (uint64_t)st.st_size, to, err);
	if (fd >= 0)
		(void)close(fd);
	return ret;
}

int outlet_copy(const struct outlet *outlet, struct file_replace *file,
		struct error *err)
{
	struct file_replace copy = { NULL, NULL, NULL };
	struct arena scratch = ARENA_INIT;
	const char *path;
	int ret = 0;

	if (fflush(file->stream) != 0)
		ret = error_errno(err, errno, "cannot write '%s'", file->path);
	else if (outlet->to->remote)
		ret = upload_file(outlet->to, file->temporary,
				  name_now(outlet, &scratch), err);
	else
		ret = outlet_open(outlet, &scratch, &copy, &path, err);
	if (ret == 0 && copy.stream)
		ret = copy_bytes(file->temporary, copy.stream, err);
	if (ret == 0 && copy.stream)
		ret = outlet_close(outlet, &copy, path, err);
	else
		file_replace_abort(&copy);
	arena_release(&scratch);
	return ret;
}

struct sv outlet_trailer(const struct outlet *outlet, uint64_t rows,
			 struct arena *arena)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv text = outlet->trailer;
	struct sv line;

	while (text.len) {
		const char *hit = memmem(text.ptr, text.len, "{rows}", 6);
		size_t at = hit ? (size_t)(hit - text.ptr) : text.len;

		strbuf_addsv(&out, sv_sub(text, 0, at));
		if (hit)
			strbuf_addf(&out, "%" PRIu64, rows);
		text = sv_sub(text, hit ? at + 6 : at, text.len);
	}
	line = arena_dup(arena, strbuf_sv(&out));
	strbuf_release(&out);
	return line;
}
