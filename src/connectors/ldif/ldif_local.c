/*
 * ldif_local.c - attributes that entries of the file have, for the warnings of
 * `check`
 *
 * Reads the first entries only, of whatever type: an attribute that none of
 * them has may be right all the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/map.h"
#include "base/vec.h"
#include "connectors/ldif/ldif_private.h"

#include <fcntl.h>
#include <unistd.h>

#define RECORDS_MAX 1000
#define NAMES_MAX   10000

struct names {
	struct namemap *known;
	struct arena *arena;
	VEC(const char *) list;
};

static void take_lines(struct names *names, const struct ldif_record *record)
{
	size_t i;

	for (i = 0; i < record->line_count; i++) {
		struct sv name = record->lines[i].name;

		if (names->list.len == NAMES_MAX ||
		    namemap_get(names->known, name, NULL))
			continue;
		namemap_put(names->known, name, 1);
		vec_push(&names->list, arena_cstr(names->arena, name));
	}
}

static void read_file(const struct ldif_syntax *syntax, int fd,
		      const char *path, struct names *names)
{
	struct arena scratch = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct ldif_reader reader;
	struct ldif_record record;
	size_t count = 0;

	ldif_reader_init(&reader, syntax, fd, path, 0, UINT64_MAX);
	while (count++ < RECORDS_MAX &&
	       ldif_reader_next(&reader, &scratch, &record, &err) > 0) {
		if (!record.error)
			take_lines(names, &record);
		arena_reset(&scratch);
	}
	ldif_reader_release(&reader);
	arena_release(&scratch);
}

int ldif_local_attrs_as(const struct ldif_syntax *syntax,
			const struct connector_config *config,
			struct arena *arena, struct local_attrs *out)
{
	const struct node *path = node_get(config->connect, "path");
	struct names names = { .arena = arena };
	struct error err = ERROR_INIT;
	struct intake_source *source;
	struct intake *intake = NULL;
	struct intake_file look;
	const char *file;
	size_t i;
	int fd = -1;

	if (!path || path->kind != NODE_SCALAR ||
	    intake_is_remote(path->text) ||
	    ldif_source_load(config, arena, &source, &err) < 0)
		return 0;
	file = connector_path(config, path->text, arena);
	if (intake_peek(source, arena, &intake, &look, &err) > 0)
		fd = open(look.path, O_RDONLY | O_CLOEXEC);
	intake_free(intake);
	if (fd < 0)
		return 0;
	names.known = namemap_new(true);
	read_file(syntax, fd, file, &names);
	(void)close(fd);
	out->file = arena_cstr(arena, path->text);
	out->count = names.list.len;
	out->names = arena_array(arena, out->count, sizeof(*out->names));
	for (i = 0; i < out->count; i++)
		out->names[i] = names.list.at[i];
	vec_release(&names.list);
	namemap_free(names.known);
	return out->count > 0;
}

int ldif_local_attrs(const struct connector_config *config, size_t type,
		     struct arena *arena, struct local_attrs *out)
{
	(void)type;
	return ldif_local_attrs_as(NULL, config, arena, out);
}
