/*
 * ldif_record.h - LDIF (RFC 2849): records out of a file, lines into one
 *
 * A record that cannot be read is returned with its `error` set, and reading
 * goes on behind the next blank line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONNECTORS_LDIF_LDIF_RECORD_H
#define CONNECTORS_LDIF_LDIF_RECORD_H

#include "base/error.h"
#include "base/strbuf.h"
#include "model/object.h"

#include <stdbool.h>
#include <stdint.h>

enum ldif_kind {
	LDIF_CONTENT,
	LDIF_ADD,
	LDIF_DELETE,
	LDIF_MODIFY,
	LDIF_RENAME, /* modrdn, moddn */
};

struct ldif_line {
	struct sv name; /* with its options: "userCertificate;binary" */
	struct sv value;
};

/* `delete` without values is a replace by none. */
struct ldif_mod {
	enum attr_op op;
	struct sv name;
	struct sv *values;
	size_t count;
};

struct ldif_record {
	enum ldif_kind kind;
	struct sv dn;            /* empty only in error */
	struct ldif_line *lines; /* LDIF_CONTENT, LDIF_ADD */
	size_t line_count;
	struct ldif_mod *mods; /* LDIF_MODIFY */
	size_t mod_count;
	struct sv new_dn; /* LDIF_RENAME, and whether the old RDN's values */
	bool delete_old;  /* go */
	struct sv type;   /* of a "# type: x" comment in the record */

	uint64_t begin; /* bytes of the record in its file, without */
	uint64_t end;   /* the blank line */
	bool closed;    /* a blank line follows */
	size_t line;    /* where it begins, 1 based; of an error its line */

	const char *error; /* NULL, or the name of a discovery error */
	struct sv message;

	/* Of an entry of which only some lines were looked at: all of it, for
	 * ldif_parse(). The others may be in error. */
	struct sv whole;
};

/* Parses the text of one record whose first line has number `line`. Memory
 * from arena; `text` is not needed afterwards. */
void ldif_parse(struct sv text, size_t line, struct arena *arena,
		struct ldif_record *out);

/* Of an entry only its dn and the lines of these attributes: 1; 0: the record
 * is no such entry, or in error, and has to be parsed as a whole. `text` must
 * stay as long as the record. */
int ldif_parse_keys(struct sv text, size_t line, const struct sv *keys,
		    size_t key_count, struct arena *arena,
		    struct ldif_record *out);

struct ldif_syntax;

struct ldif_reader {
	const struct ldif_syntax *syntax; /* NULL: LDIF */
	void *state;                      /* of another syntax */
	const char *path;                 /* for messages; borrowed */
	int fd;                           /* -1: the text is in memory */
	char *buffer;
	size_t size;
	size_t at;     /* of the unread part */
	size_t len;    /* of what is in the buffer */
	uint64_t from; /* offset in the file of buffer[0] */
	uint64_t to;   /* nothing is read from here on */
	size_t line;   /* of buffer[at] */
	bool end;      /* the file has no more than the buffer */
	bool open_end; /* `to` is not where the document ends */

	/* Not NULL: of entries these attributes are enough; borrowed. */
	const struct sv *keys;
	size_t key_count;

	/* Of the record read last, until the next is read: its bytes as they
	 * are in the file, and the comments between it and the one before. By
	 * another syntax the lead is all that stands between the two; at the
	 * end, what stands behind the last. */
	struct sv raw;
	struct sv lead;
};

/* The fd stays the caller's; reads the bytes [from, to), `to` UINT64_MAX for
 * all. Lines are counted from there, by another syntax from the file's
 * beginning. */
void ldif_reader_init(struct ldif_reader *reader,
		      const struct ldif_syntax *syntax, int fd,
		      const char *path, uint64_t from, uint64_t to);
/* Reads from memory, which must stay. */
void ldif_reader_init_text(struct ldif_reader *reader, struct sv text,
			   const char *path);
/* 1: a record, perhaps one in error; 0: end; -1: err is set. */
int ldif_reader_next(struct ldif_reader *reader, struct arena *arena,
		     struct ldif_record *out, struct error *err);
void ldif_reader_release(struct ldif_reader *reader);

/* Reads the record at [begin, end) of a file anew. */
int ldif_reread(const struct ldif_syntax *syntax, int fd, uint64_t begin,
		uint64_t end, struct arena *arena, struct ldif_record *out,
		struct error *err);

/* "name: value" or "name:: base64" as the value wants it, folded to `width`
 * bytes a line (0: not folded). */
void ldif_write_line(struct strbuf *out, struct sv name, struct sv value,
		     size_t width);

#endif
