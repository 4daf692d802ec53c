/*
 * template_write.c - files of a template to a folder, the first time or again
 *
 * Called by cmd_init.c when all texts are made. Looks at every file before it
 * writes one; each is replaced as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/template_write.h"

#include "base/file.h"
#include "base/hash.h"

#include <inttypes.h>
#include <string.h>

#define NOTES    ".conjoin-template"
#define FILE_MAX ((size_t)16 << 20)

static const struct hash_key no_key;

static const char *path_of(struct cli *cli, const char *folder,
			   const char *name)
{
	return arena_printf(&cli->arena, "%s/%s", folder, name);
}

/* The file's text; SV_NULL when there is none that can be read. */
static struct sv text_of(struct cli *cli, const char *path)
{
	struct strbuf sb = STRBUF_INIT(FILE_MAX);
	struct error err = ERROR_INIT;
	struct sv text = SV_NULL;

	if (file_exists(path) && file_read(path, &sb, &err) == 0)
		text = arena_dup(&cli->arena, strbuf_sv(&sb));
	strbuf_release(&sb);
	return text;
}

/* ---- what was made: "HASH PATH" a line, the template's name first ---- */

static const char *note_of(struct cli *cli, const char *path, struct sv text)
{
	struct hash128 hash = hash128(&no_key, text);

	return arena_printf(&cli->arena, "%016" PRIx64 "%016" PRIx64 " %s",
			    hash.high, hash.low, path);
}

static struct sv next_line(struct sv *rest)
{
	size_t end = sv_find(*rest, '\n', 0);
	struct sv line = sv_sub(*rest, 0, end);

	*rest = sv_sub(*rest, end < rest->len ? end + 1 : end, rest->len);
	return line;
}

static struct sv notes_of(struct cli *cli, const char *folder)
{
	return text_of(cli, path_of(cli, folder, NOTES));
}

static bool noted(struct sv notes, const char *note)
{
	while (notes.len)
		if (sv_eq_str(next_line(&notes), note))
			return true;
	return false;
}

bool template_was_used(struct cli *cli, const char *folder,
		       const struct template *template)
{
	struct sv notes = notes_of(cli, folder);

	return notes.len && sv_eq_str(next_line(&notes), template->name);
}

static bool is_made(const struct made_files *files, struct sv path)
{
	const struct made_file *file;

	vec_foreach(files, file)
		if (sv_eq_str(path, file->path))
			return true;
	return false;
}

struct made_files template_left_over(struct cli *cli, const char *folder,
				     const struct made_files *files)
{
	struct sv notes = notes_of(cli, folder);
	struct made_files out = VEC_INIT;

	(void)next_line(&notes);
	while (notes.len) {
		struct sv line = next_line(&notes);
		size_t blank = sv_find(line, ' ', 0);
		struct made_file file = { NULL, SV_NULL };

		if (blank == line.len)
			continue;
		file.path = arena_cstr(&cli->arena,
				       sv_sub(line, blank + 1, line.len));
		if (!is_made(files, sv_from(file.path)) &&
		    file_exists(path_of(cli, folder, file.path)))
			vec_push(&out, file);
	}
	return out;
}

/* ---- writing ---- */

/* That of a git repository stays, and what is written anyway. */
static bool may_be_there(const struct made_file *file)
{
	return !strcmp(file->path, ".gitignore");
}

static int check_free(struct cli *cli, const char *folder,
		      const struct made_files *files, struct error *err)
{
	const struct made_file *file;

	if (file_exists(path_of(cli, folder, "conjoin.yaml")))
		return error_set(err, ERR_CONFLICT,
				 "the folder '%s' has a conjoin.yaml already; "
				 "name another folder",
				 folder);
	vec_foreach(files, file)
		if (!may_be_there(file) &&
		    file_exists(path_of(cli, folder, file->path)))
			return error_set(err, ERR_CONFLICT,
					 "'%s' is there already; name another "
					 "folder",
					 path_of(cli, folder, file->path));
	return 0;
}

/* Is each file as it was made, as it would be made, or not there? */
static int check_unchanged(struct cli *cli, const char *folder,
			   const struct made_files *files, struct error *err)
{
	struct sv notes = notes_of(cli, folder);
	struct strbuf changed = STRBUF_INIT(256);
	const struct made_file *file;
	int ret = 0;

	vec_foreach(files, file) {
		const char *path = path_of(cli, folder, file->path);
		struct sv text = text_of(cli, path);

		if (!file_exists(path) || may_be_there(file) ||
		    sv_eq(text, file->text) ||
		    noted(notes, note_of(cli, file->path, text)))
			continue;
		strbuf_addf(&changed, "%s'%s'", changed.len ? ", " : "",
			    file->path);
	}
	if (changed.len || changed.overflow)
		ret = error_set(err, ERR_CONFLICT,
				"changed by hand since they were made, nothing "
				"was written: %s; make another folder from the "
				"settings and compare, or delete the file to "
				"have it made again",
				changed.overflow ? "many files"
						 : strbuf_cstr(&changed));
	strbuf_release(&changed);
	return ret;
}

static int write_file(const char *path, struct sv text, struct error *err)
{
	struct file_replace file = { NULL, NULL, NULL };
	int ret;

	if (file_make_parent(path, err) < 0 ||
	    file_replace_open(&file, path, 0666, err) < 0)
		return -1;
	if (fwrite(text.ptr ? text.ptr : "", 1, text.len, file.stream) !=
	    text.len) {
		file_replace_abort(&file);
		return error_set(err, ERR_UNAVAILABLE, "cannot write '%s'",
				 path);
	}
	ret = file_replace_commit(&file, err);
	file_replace_abort(&file);
	return ret;
}

static int write_notes(struct cli *cli, const char *folder,
		       const struct template *template,
		       const struct made_files *files, struct error *err)
{
	struct strbuf sb = STRBUF_INIT(FILE_MAX);
	const struct made_file *file;
	int ret;

	strbuf_addf(&sb, "%s\n", template->name);
	vec_foreach(files, file)
		if (!may_be_there(file))
			strbuf_addf(&sb, "%s\n",
				    note_of(cli, file->path, file->text));
	ret = write_file(path_of(cli, folder, NOTES), strbuf_sv(&sb), err);
	strbuf_release(&sb);
	return ret;
}

int template_write(struct cli *cli, const char *folder,
		   const struct template *template, struct made_files *files,
		   bool again, struct error *err)
{
	const struct made_file *file;
	int ret = again ? check_unchanged(cli, folder, files, err)
			: check_free(cli, folder, files, err);

	if (ret < 0 || file_make_dirs(folder, err) < 0)
		return -1;
	vec_foreach(files, file) {
		const char *path = path_of(cli, folder, file->path);

		if (may_be_there(file) && file_exists(path))
			continue;
		if (write_file(path, file->text, err) < 0)
			return -1;
	}
	return template->fields ? write_notes(cli, folder, template, files, err)
				: 0;
}
