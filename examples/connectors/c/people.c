/*
 * people.c - a connector in C: people of a file of columns
 *
 * The file has one person in a line, id, surname, title and phone numbers, with
 * tabs between the columns and ';' between phone numbers. It needs nothing but
 * a C compiler:
 *
 *	cc -O2 -o people people.c
 *
 * What it is asked is told by how the line begins, and the one option it has is
 * looked for in the message: a program with more to read takes a JSON library.
 * It reads and writes in large blocks, which is all that speed takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 4

static char *path;

static void put_text(const char *text, size_t len)
{
	size_t i;

	(void)putc_unlocked('"', stdout);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			(void)putc_unlocked('\\', stdout);
		if (c < 0x20)
			(void)printf("\\u%04x", c);
		else
			(void)putc_unlocked(c, stdout);
	}
	(void)putc_unlocked('"', stdout);
}

static void put_literal(const char *text)
{
	(void)fputs_unlocked(text, stdout);
}

static void put_attr(const char *name, const char *at, size_t len)
{
	if (!len)
		return;
	put_literal(name);
	put_text(at, len);
}

static void put_phones(const char *at, size_t len)
{
	const char *end = at + len;

	if (!len)
		return;
	put_literal(",\"telephoneNumber\":[");
	while (at < end) {
		const char *next = memchr(at, ';', (size_t)(end - at));

		next = next ? next : end;
		put_text(at, (size_t)(next - at));
		at = next + 1;
		if (at < end)
			put_literal(",");
	}
	put_literal("]");
}

static void put_person(const char *line, size_t len)
{
	const char *at[COLUMNS] = { "", "", "", "" };
	size_t lens[COLUMNS] = { 0 };
	const char *end = line + len;
	int i;

	for (i = 0; i < COLUMNS && line <= end; i++) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));

		tab = tab ? tab : end;
		at[i] = line;
		lens[i] = (size_t)(tab - line);
		line = tab + 1;
	}
	put_literal("{\"msg\":\"object\",\"type\":\"person\",\"anchor\":");
	put_text(at[0], lens[0]);
	put_literal(",\"attrs\":{\"uid\":");
	put_text(at[0], lens[0]);
	put_attr(",\"sn\":", at[1], lens[1]);
	put_attr(",\"title\":", at[2], lens[2]);
	put_phones(at[3], lens[3]);
	put_literal("}}\n");
}

static void read_people(void)
{
	FILE *file = fopen(path, "r");
	unsigned long count = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file) {
		(void)puts("{\"msg\":\"error\",\"code\":\"unavailable\","
			   "\"message\":\"the file is gone\"}");
		return;
	}
	(void)puts("{\"msg\":\"ok\"}");
	while ((len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		if (!len)
			continue;
		put_person(line, (size_t)len);
		count++;
	}
	/* what could not be read to its end has no end */
	if (ferror(file))
		(void)puts("{\"msg\":\"error\",\"code\":\"unavailable\","
			   "\"message\":\"the file cannot be read\"}");
	else
		(void)printf("{\"msg\":\"end\",\"count\":%lu}\n", count);
	free(line);
	(void)fclose(file);
}

/* The option "file", which may hold no escapes. */
static void open_file(const char *ask)
{
	const char *at = strstr(ask, "\"file\":\"");
	const char *end = at ? strchr(at + 8, '"') : NULL;
	FILE *file;

	free(path);
	path = end ? strndup(at + 8, (size_t)(end - at - 8)) : NULL;
	file = path ? fopen(path, "r") : NULL;
	(void)puts(file ? "{\"msg\":\"ok\"}"
			: "{\"msg\":\"error\",\"code\":\"invalid\",\"message\":"
			  "\"the option file names no file that can be "
			  "read\"}");
	if (file)
		(void)fclose(file);
}

static int is(const char *ask, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(ask, "{\"msg\":\"", 8) &&
	       !strncmp(ask + 8, name, len) && ask[8 + len] == '"';
}

int main(void)
{
	static char block[1 << 18];
	char *ask = NULL;
	size_t size = 0;

	(void)setvbuf(stdout, block, _IOFBF, sizeof(block));
	while (getline(&ask, &size, stdin) > 0 && !is(ask, "bye")) {
		if (is(ask, "hello"))
			(void)puts("{\"msg\":\"hello\",\"protocol\":1,"
				   "\"name\":\"people in C\","
				   "\"can\":[\"import\",\"schema\"]}");
		else if (is(ask, "open"))
			open_file(ask);
		else if (is(ask, "schema"))
			(void)puts("{\"msg\":\"schema\",\"types\":[{\"name\":"
				   "\"person\",\"attributes\":[{\"name\":"
				   "\"uid\",\"identifies\":true,\"required\":"
				   "true},{\"name\":\"sn\"},{\"name\":"
				   "\"title\"},{\"name\":\"telephoneNumber\","
				   "\"multi\":true}]}]}");
		else if (is(ask, "import"))
			read_people();
		else
			(void)puts("{\"msg\":\"error\",\"code\":"
				   "\"unsupported\",\"message\":\"only "
				   "imports are known here\"}");
		(void)fflush(stdout);
	}
	free(ask);
	free(path);
	return 0;
}
