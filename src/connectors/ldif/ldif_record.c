/*
 * ldif_record.c - find, unfold and parse LDIF records; write their lines
 *
 * A record's bytes are copied once into the arena, unfolded there in place,
 * and its fields are views of that copy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldif/ldif_record.h"

#include "base/text.h"
#include "connectors/ldif/ldif_syntax.h"
#include "model/dn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A line after unfolding, and what it says. */
struct logical {
	struct sv text;
	size_t line;
	struct sv name;
	struct sv value;
	bool dash; /* "-" ends a modification */
};

struct parse {
	struct arena *arena;
	struct ldif_record *out;
	struct logical *lines;
	size_t count;
	size_t at;
};

static int fail(struct parse *p, size_t line, const char *error,
		const char *message)
{
	if (p->out->error)
		return -1;
	p->out->error = error;
	p->out->line = line;
	p->out->message = sv_from(message);
	return -1;
}

static size_t count_newlines(struct sv text)
{
	size_t count = 0;
	size_t at = 0;

	while ((at = sv_find(text, '\n', at)) < text.len) {
		count++;
		at++;
	}
	return count;
}

static const struct sv TYPE_HINT = { "# type: ", 8 };

/* Copies the text and joins folded lines; comments are left out. */
static int unfold(struct parse *p, struct sv text, size_t line)
{
	char *to = arena_alloc(p->arena, text.len + 1);
	struct logical *now = NULL;
	bool comment = false;
	size_t at = 0;

	p->lines = arena_array(p->arena, count_newlines(text) + 1,
			       sizeof(*p->lines));
	for (; at < text.len; line++) {
		size_t end = sv_find(text, '\n', at);
		struct sv s = sv_sub(text, at, end);

		at = end + 1;
		if (s.len && s.ptr[s.len - 1] == '\r')
			s.len--;
		if (!s.len)
			continue;
		if (s.ptr[0] == ' ') {
			if (comment)
				continue;
			if (!now)
				return fail(p, line, "parse-error",
					    "a continued line without a line "
					    "before it");
			memcpy(to, s.ptr + 1, s.len - 1);
			to += s.len - 1;
			now->text.len += s.len - 1;
			continue;
		}
		comment = s.ptr[0] == '#';
		if (comment) {
			if (sv_starts(s, TYPE_HINT))
				p->out->type = arena_dup(
					p->arena,
					sv_sub(s, TYPE_HINT.len, s.len));
			continue;
		}
		now = &p->lines[p->count++];
		now->line = line;
		now->text = sv_make(to, s.len);
		memcpy(to, s.ptr, s.len);
		to += s.len;
	}
	return 0;
}

static bool name_valid(struct sv name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (c <= ' ' || c >= 0x7f)
			return false;
	}
	return name.len > 0;
}

static int decode(struct parse *p, struct logical *l)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	int ok = strbuf_add_unbase64(&bytes, l->value);

	l->value = arena_dup(p->arena, strbuf_sv(&bytes));
	strbuf_release(&bytes);
	if (!ok)
		return fail(p, l->line, "invalid-base64-value",
			    arena_printf(p->arena,
					 "the value of '" SV_FMT
					 "' is not base64",
					 SV_ARG(l->name)));
	return 0;
}

static struct sv skip_blanks(struct sv s)
{
	while (s.len && s.ptr[0] == ' ')
		s = sv_sub(s, 1, s.len);
	return s;
}

static int split_line(struct parse *p, struct logical *l)
{
	size_t colon = sv_find(l->text, ':', 0);
	char mark;

	if (sv_eq_str(l->text, "-")) {
		l->dash = true;
		return 0;
	}
	l->name = sv_sub(l->text, 0, colon);
	if (colon == l->text.len || !name_valid(l->name))
		return fail(p, l->line, "parse-error",
			    "a line that is not 'name: value'");
	if (memchr(l->text.ptr, '\0', l->text.len))
		return fail(p, l->line, "parse-error",
			    "a line with NUL bytes: the file is damaged, or "
			    "not in UTF-8");
	mark = colon + 1 < l->text.len ? l->text.ptr[colon + 1] : ' ';
	if (mark == '<')
		return fail(p, l->line, "unsupported-value-type",
			    arena_printf(p->arena,
					 "the value of '" SV_FMT "' is a URL "
					 "(':<'), which is not followed: write "
					 "the value itself",
					 SV_ARG(l->name)));
	l->value = skip_blanks(
		sv_sub(l->text, colon + (mark == ':' ? 2 : 1), l->text.len));
	return mark == ':' ? decode(p, l) : 0;
}

static struct logical *peek(struct parse *p)
{
	return p->at < p->count ? &p->lines[p->at] : NULL;
}

static bool is(const struct logical *l, const char *name)
{
	return !l->dash && sv_ieq_str(l->name, name);
}

static bool named(const struct logical *l, const char *name)
{
	return l && is(l, name);
}

static size_t last_line(const struct parse *p)
{
	return p->count ? p->lines[p->count - 1].line : p->out->line;
}

static int parse_content(struct parse *p)
{
	struct ldif_record *out = p->out;

	out->lines = arena_array(p->arena, p->count - p->at + 1,
				 sizeof(*out->lines));
	for (; p->at < p->count; p->at++) {
		const struct logical *l = &p->lines[p->at];

		if (l->dash)
			return fail(p, l->line, "parse-error",
				    "a '-' outside a modification");
		if (sv_ieq_str(l->name, "dn"))
			return fail(p, l->line, "parse-error",
				    "a second 'dn' in one record: a blank "
				    "line is missing before it");
		out->lines[out->line_count++] =
			(struct ldif_line){ l->name, l->value };
	}
	return 0;
}

static int mod_op(struct parse *p, const struct logical *l, enum attr_op *op)
{
	if (is(l, "add"))
		*op = ATTR_ADD;
	else if (is(l, "delete"))
		*op = ATTR_DELETE;
	else if (is(l, "replace"))
		*op = ATTR_REPLACE;
	else
		return fail(p, l->line, "invalid-modification-type",
			    "a modification begins with add:, delete: or "
			    "replace:");
	return 0;
}

/* How many lines there are up to the next "-". */
static size_t mod_lines(const struct parse *p)
{
	size_t i = p->at;

	while (i < p->count && !p->lines[i].dash)
		i++;
	return i - p->at;
}

static int parse_mod(struct parse *p, struct ldif_mod *mod)
{
	const struct logical *l = &p->lines[p->at];

	if (mod_op(p, l, &mod->op) < 0)
		return -1;
	mod->name = l->value;
	if (!name_valid(mod->name))
		return fail(p, l->line, "parse-error",
			    "a modification that names no attribute");
	mod->values = arena_array(p->arena, mod_lines(p), sizeof(*mod->values));
	for (p->at++; p->at < p->count && !p->lines[p->at].dash; p->at++) {
		l = &p->lines[p->at];
		if (!sv_ieq(l->name, mod->name))
			return fail(
				p, l->line, "conflicting-modification-types",
				arena_printf(p->arena,
					     "'" SV_FMT "' inside the "
					     "modification of '" SV_FMT
					     "': a '-' is missing before it",
					     SV_ARG(l->name),
					     SV_ARG(mod->name)));
		mod->values[mod->count++] = l->value;
	}
	p->at++;
	if (mod->op == ATTR_ADD && !mod->count)
		return fail(p, p->lines[p->at - 2].line, "parse-error",
			    "a modification that adds no value");
	if (mod->op == ATTR_DELETE && !mod->count)
		mod->op = ATTR_REPLACE;
	return 0;
}

static int parse_modify(struct parse *p)
{
	struct ldif_record *out = p->out;

	out->mods =
		arena_array(p->arena, p->count - p->at + 1, sizeof(*out->mods));
	while (p->at < p->count)
		if (parse_mod(p, &out->mods[out->mod_count++]) < 0)
			return -1;
	return 0;
}

static int parse_rename(struct parse *p)
{
	const struct logical *l = peek(p);
	struct ldif_record *out = p->out;
	struct sv rdn = SV_NULL;
	struct sv parent = SV_NULL;
	struct sv new_rdn;

	if (!named(l, "newrdn") || !dn_split(l->value, &new_rdn, &rdn) ||
	    rdn.len)
		return fail(p, l ? l->line : last_line(p), "parse-error",
			    "a rename needs newrdn: with one RDN");
	p->at++;
	l = peek(p);
	if (!named(l, "deleteoldrdn") ||
	    (!sv_eq_str(l->value, "0") && !sv_eq_str(l->value, "1")))
		return fail(p, l ? l->line : last_line(p), "parse-error",
			    "a rename needs deleteoldrdn: 0 or 1");
	out->delete_old = sv_eq_str(l->value, "1");
	(void)dn_split(out->dn, &rdn, &parent);
	p->at++;
	l = peek(p);
	if (named(l, "newsuperior")) {
		parent = l->value;
		p->at++;
		if (parent.len && !dn_valid(parent))
			return fail(p, l->line, "invalid-dn",
				    "newsuperior is not a name");
	}
	out->new_dn = dn_join(new_rdn, parent, p->arena);
	if ((l = peek(p)))
		return fail(p, l->line, "parse-error",
			    "a line that does not belong to a rename");
	return 0;
}

static int parse_change(struct parse *p)
{
	static const struct {
		const char *name;
		enum ldif_kind kind;
	} kinds[] = {
		{ "add", LDIF_ADD },       { "delete", LDIF_DELETE },
		{ "modify", LDIF_MODIFY }, { "modrdn", LDIF_RENAME },
		{ "moddn", LDIF_RENAME },
	};
	const struct logical *l = &p->lines[p->at++];
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (sv_ieq_str(l->value, kinds[i].name))
			break;
	if (i == sizeof(kinds) / sizeof(*kinds))
		return fail(p, l->line,
			    l->value.len ? "invalid-change-type"
					 : "missing-change-type",
			    "changetype must be add, delete, modify, modrdn "
			    "or moddn");
	p->out->kind = kinds[i].kind;
	switch (p->out->kind) {
	case LDIF_CONTENT:
	case LDIF_ADD:
		return parse_content(p);
	case LDIF_MODIFY:
		return parse_modify(p);
	case LDIF_RENAME:
		return parse_rename(p);
	case LDIF_DELETE:
		break;
	}
	if (p->at < p->count)
		return fail(p, p->lines[p->at].line, "parse-error",
			    "a line that does not belong to a delete");
	return 0;
}

static int parse_dn(struct parse *p)
{
	const struct logical *l = peek(p);

	if (named(l, "version"))
		l = ++p->at < p->count ? &p->lines[p->at] : NULL;
	if (!l)
		return 0;
	if (!named(l, "dn") || !l->value.len)
		return fail(p, l->line, "missing-dn",
			    "a record begins with its dn");
	if (!text_is_utf8(l->value) || !dn_valid(l->value))
		return fail(p, l->line, "invalid-dn",
			    arena_printf(p->arena, "'" SV_FMT "' is not a name",
					 SV_ARG(l->value)));
	p->out->dn = l->value;
	if (!p->out->error)
		p->out->line = l->line;
	p->at++;
	return 1;
}

static int parse_body(struct parse *p)
{
	size_t i;

	/* The name first: an error further on is then about somebody. */
	for (i = 0; i < p->count; i++) {
		if (split_line(p, &p->lines[i]) < 0) {
			p->count = i;
			(void)parse_dn(p);
			return -1;
		}
	}
	if (parse_dn(p) <= 0)
		return -1;
	while (named(peek(p), "control"))
		p->at++;
	if (named(peek(p), "changetype"))
		return parse_change(p);
	return parse_content(p);
}

void ldif_parse(struct sv text, size_t line, struct arena *arena,
		struct ldif_record *out)
{
	struct parse p = { .arena = arena, .out = out };

	memset(out, 0, sizeof(*out));
	out->line = line;
	if (unfold(&p, text, line) == 0)
		(void)parse_body(&p);
}

#define KEY_LINES 24 /* more are seldom: then the record is parsed */

/* Is the line one of this attribute? */
static bool is_line_of(struct sv line, struct sv name)
{
	return line.len > name.len && line.ptr[name.len] == ':' &&
	       sv_ieq(sv_sub(line, 0, name.len), name);
}

/* A line of another attribute is told by a byte or two. */
static bool is_key(struct sv line, const struct sv *keys, size_t count)
{
	size_t i;

	if (is_line_of(line, SV_LIT("dn")))
		return true;
	for (i = 0; i < count; i++)
		if (is_line_of(line, keys[i]))
			return true;
	return false;
}

/* A line that continues the one before. */
static void join(struct parse *p, struct logical *line, struct sv more)
{
	char *text = arena_alloc(p->arena, line->text.len + more.len);

	memcpy(text, line->text.ptr, line->text.len);
	memcpy(text + line->text.len, more.ptr + 1, more.len - 1);
	line->text = sv_make(text, line->text.len + more.len - 1);
}

/* Takes the first line, the name's and those of the keys; 0: the record is
 * something else than an entry, or has too many. */
static int take_keys(struct parse *p, struct sv text, size_t line,
		     const struct sv *keys, size_t count)
{
	struct logical *now = NULL;
	size_t at = 0;

	for (; at < text.len; line++) {
		size_t end = sv_find(text, '\n', at);
		struct sv s = sv_sub(text, at, end);

		at = end + 1;
		if (s.len && s.ptr[s.len - 1] == '\r')
			s.len--;
		if (!s.len)
			continue;
		if (s.ptr[0] == ' ') {
			if (!p->count)
				return 0;
			if (now)
				join(p, now, s);
			continue;
		}
		now = NULL;
		if (s.ptr[0] == '#')
			continue;
		if (s.ptr[0] == '-' || is_line_of(s, SV_LIT("changetype")) ||
		    is_line_of(s, SV_LIT("control")))
			return 0;
		if (p->count && !is_key(s, keys, count))
			continue;
		if (p->count == KEY_LINES)
			return 0;
		now = &p->lines[p->count++];
		*now = (struct logical){ .text = s, .line = line };
	}
	return p->count > 0;
}

int ldif_parse_keys(struct sv text, size_t line, const struct sv *keys,
		    size_t key_count, struct arena *arena,
		    struct ldif_record *out)
{
	struct logical lines[KEY_LINES];
	struct parse p = { .arena = arena, .out = out, .lines = lines };

	memset(out, 0, sizeof(*out));
	out->line = line;
	if (!take_keys(&p, text, line, keys, key_count) || parse_body(&p) < 0 ||
	    !out->dn.len)
		return 0;
	out->whole = text;
	return 1;
}

#define BUFFER_SIZE ((size_t)1024 * 1024)
#define RECORD_MAX  ((size_t)1024 * 1024 * 1024)

void ldif_reader_init(struct ldif_reader *reader,
		      const struct ldif_syntax *syntax, int fd,
		      const char *path, uint64_t from, uint64_t to)
{
	memset(reader, 0, sizeof(*reader));
	reader->syntax = syntax;
	reader->path = path;
	reader->fd = fd;
	reader->from = from;
	reader->to = to;
	reader->line = 1;
	reader->size = BUFFER_SIZE;
	reader->buffer = mem_alloc(reader->size);
}

void ldif_reader_init_text(struct ldif_reader *reader, struct sv text,
			   const char *path)
{
	memset(reader, 0, sizeof(*reader));
	reader->path = path;
	reader->fd = -1;
	reader->line = 1;
	reader->end = true;
	reader->size = text.len;
	reader->len = text.len;
	reader->buffer = mem_alloc(text.len);
	if (text.len)
		memcpy(reader->buffer, text.ptr, text.len);
}

void ldif_reader_release(struct ldif_reader *reader)
{
	if (reader->syntax)
		reader->syntax->reader_release(reader);
	mem_free(reader->buffer);
	memset(reader, 0, sizeof(*reader));
}

/* Makes room behind the unread part and fills it. */
static int fill(struct ldif_reader *r, size_t keep_from, struct error *err)
{
	uint64_t offset;
	uint64_t left;
	size_t room;
	ssize_t n;

	if (keep_from) {
		memmove(r->buffer, r->buffer + keep_from, r->len - keep_from);
		r->len -= keep_from;
		r->at -= keep_from;
		r->from += keep_from;
	}
	if (r->len == r->size) {
		if (r->size >= RECORD_MAX)
			return error_set(err, ERR_LIMIT,
					 "'%s': a record larger than %zu bytes "
					 "at line %zu",
					 r->path, r->size, r->line);
		r->size *= 2;
		r->buffer = mem_realloc(r->buffer, r->size);
	}
	offset = r->from + r->len;
	left = r->to > offset ? r->to - offset : 0;
	room = r->size - r->len;
	if (room > left)
		room = (size_t)left;
	do {
		n = pread(r->fd, r->buffer + r->len, room, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, errno, "cannot read '%s'", r->path);
	r->len += (size_t)n;
	r->end = n == 0;
	return 0;
}

/* 1: buffer[from..*end_out) is a line, its newline excluded; 0: no more. */
static int next_line(struct ldif_reader *r, size_t *keep, size_t from,
		     size_t *end_out, struct error *err)
{
	size_t scanned = from;

	for (;;) {
		const char *newline = r->len > scanned
					      ? memchr(r->buffer + scanned,
						       '\n', r->len - scanned)
					      : NULL;

		if (newline) {
			*end_out = (size_t)(newline - r->buffer);
			return 1;
		}
		scanned = r->len;
		if (r->end) {
			*end_out = r->len;
			return from < r->len;
		}
		if (fill(r, *keep, err) < 0)
			return -1;
		scanned -= *keep;
		from -= *keep;
		*keep = 0;
	}
}

static bool blank(const char *s, size_t len)
{
	return len == 0 || (len == 1 && s[0] == '\r');
}

/*
 * Finds the next block of lines: buffer[*begin..*end), `*lines` of them. A
 * block of comments only belongs to the lead of the block behind it.
 */
static int next_block(struct ldif_reader *r, size_t *begin, size_t *end,
		      size_t *lines, bool *closed, struct error *err)
{
	size_t lead = r->at; /* is kept in the buffer */
	bool content = false;
	size_t at = r->at;
	size_t start = r->at;
	size_t line_end;
	size_t skipped = 0;
	int ret;

	*lines = 0;
	*closed = false;
	for (;;) {
		size_t keep = lead;

		ret = next_line(r, &keep, at, &line_end, err);
		if (ret < 0)
			return -1;
		at -= lead - keep;
		start -= lead - keep;
		lead = keep;
		if (!ret)
			break;
		if (blank(r->buffer + at, line_end - at)) {
			if (content) {
				*closed = true;
				break;
			}
			skipped += *lines + 1;
			*lines = 0;
			start = line_end + 1;
		} else {
			content |= r->buffer[at] != '#' && r->buffer[at] != ' ';
			++*lines;
		}
		at = line_end + 1;
	}
	if (start > r->len)
		start = r->len;
	if (at > r->len)
		at = r->len;
	*begin = start;
	*end = at;
	r->line += skipped;
	r->lead = sv_make(r->buffer + lead, start - lead);
	r->at = at;
	return content;
}

/* The bytes behind a "version:" line that opens the block. */
static struct sv after_version(struct sv raw)
{
	if (raw.len > 8 && sv_ieq_str(sv_sub(raw, 0, 8), "version:")) {
		size_t end = sv_find(raw, '\n', 0);

		return sv_sub(raw, end < raw.len ? end + 1 : end, raw.len);
	}
	return raw;
}

static int check_version(const struct ldif_reader *r, struct sv raw,
			 struct error *err)
{
	struct sv rest = after_version(raw);
	struct sv version;

	if (rest.len == raw.len || r->from + (size_t)(raw.ptr - r->buffer) > 64)
		return 0;
	version = sv_trim(sv_sub(raw, 8, raw.len - rest.len));
	if (sv_eq_str(version, "1"))
		return 0;
	return error_set(err, ERR_UNSUPPORTED,
			 "'%s' is LDIF of version '" SV_FMT
			 "': only version 1 is read",
			 r->path, SV_ARG(version));
}

static void parse_block(const struct ldif_reader *r, struct arena *arena,
			struct ldif_record *out)
{
	if (r->keys && ldif_parse_keys(arena_dup(arena, r->raw), r->line,
				       r->keys, r->key_count, arena, out))
		return;
	ldif_parse(r->raw, r->line, arena, out);
}

static const struct sv BYTE_ORDER_MARK = { "\xEF\xBB\xBF", 3 };

int ldif_reader_next(struct ldif_reader *r, struct arena *arena,
		     struct ldif_record *out, struct error *err)
{
	size_t begin;
	size_t end;
	size_t lines;
	bool closed;
	int ret;

	if (r->syntax)
		return r->syntax->reader_next(r, arena, out, err);
	for (;;) {
		ret = next_block(r, &begin, &end, &lines, &closed, err);
		if (ret <= 0)
			return ret;
		r->raw = sv_make(r->buffer + begin, end - begin);
		if (r->from + begin == 0 && sv_starts(r->raw, BYTE_ORDER_MARK))
			r->raw =
				sv_sub(r->raw, BYTE_ORDER_MARK.len, r->raw.len);
		if (check_version(r, r->raw, err) < 0)
			return -1;
		parse_block(r, arena, out);
		r->line += lines;
		out->begin = r->from + begin;
		out->end = r->from + end;
		out->closed = closed;
		r->raw = after_version(r->raw);
		if (out->dn.len || out->error)
			return 1;
	}
}

int ldif_reread(const struct ldif_syntax *syntax, int fd, uint64_t begin,
		uint64_t end, struct arena *arena, struct ldif_record *out,
		struct error *err)
{
	size_t len = (size_t)(end - begin);
	char *text = arena_alloc(arena, len + 1);
	size_t got = 0;

	while (got < len) {
		ssize_t n =
			pread(fd, text + got, len - got, (off_t)(begin + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno,
					   "cannot read a change again");
		if (n == 0)
			return error_set(err, ERR_CONFLICT,
					 "a file of changes was cut off while "
					 "it was read");
		got += (size_t)n;
	}
	if (syntax)
		syntax->parse(sv_make(text, len), arena, out);
	else
		ldif_parse(sv_make(text, len), 1, arena, out);
	out->begin = begin;
	out->end = end;
	return 0;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (uint64_t)(c))

/* Are all eight characters from ' ' to '~'? */
static bool word_safe(uint64_t word)
{
	uint64_t high = word | (word + EACH_BYTE(1));
	uint64_t low = (word & EACH_BYTE(0x7f)) + EACH_BYTE(0x60);

	return !((high | ~low) & EACH_BYTE(0x80));
}

/* SAFE-STRING of RFC 2849, and no blank at its end. */
static bool safe(struct sv value)
{
	uint64_t word;
	size_t i;

	if (!value.len)
		return true;
	if (value.ptr[0] == ' ' || value.ptr[0] == ':' || value.ptr[0] == '<' ||
	    value.ptr[value.len - 1] == ' ')
		return false;
	for (i = 0; i + sizeof(word) <= value.len; i += sizeof(word)) {
		memcpy(&word, value.ptr + i, sizeof(word));
		if (!word_safe(word))
			return false;
	}
	for (; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c < ' ' || c >= 0x7f)
			return false;
	}
	return true;
}

/* Folds what was added since `from`. */
static void fold(struct strbuf *out, size_t from, size_t width)
{
	struct strbuf folded = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv line = sv_sub(strbuf_sv(out), from, out->len);
	size_t room = width;

	while (line.len > room) {
		strbuf_add(&folded, line.ptr, room);
		strbuf_adds(&folded, "\n ");
		line = sv_sub(line, room, line.len);
		room = width - 1;
	}
	strbuf_addsv(&folded, line);
	out->len = from;
	strbuf_addsv(out, strbuf_sv(&folded));
	strbuf_release(&folded);
}

void ldif_write_line(struct strbuf *out, struct sv name, struct sv value,
		     size_t width)
{
	size_t from = out->len;

	strbuf_addsv(out, name);
	if (safe(value)) {
		strbuf_add(out, ": ", value.len ? 2 : 1);
		strbuf_addsv(out, value);
	} else {
		strbuf_add(out, ":: ", 3);
		strbuf_add_base64(out, value);
	}
	if (width > 1 && out->len - from > width)
		fold(out, from, width);
	strbuf_addc(out, '\n');
}
