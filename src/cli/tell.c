/*
 * tell.c - the object that a command is about, and values in lines
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/tell.h"

#include "base/text.h"
#include "cli/show.h"

#define set json_object_set_new

/* --- open -------------------------------------------------------------- */

static enum run_exit find(struct session *session, struct subject *out,
			  size_t *used_out)
{
	struct cli *cli = session->cli;
	struct error err = ERROR_INIT;

	if (store_read_begin(session->store, &err) < 0)
		return cli_fail_as(cli, RUN_FAILED, &err);
	if (subject_find(&session->display, cli->args.words.at,
			 cli->args.words.len, &cli->arena, out, used_out,
			 &err) == 0)
		return RUN_OK;
	store_read_end(session->store);
	return cli_fail(cli, &err);
}

enum run_exit tell_open(struct session *session, struct cli *cli,
			struct subject *out, size_t *used_out)
{
	enum run_exit exit = session_open(session, cli, SESSION_RIGHT, NULL);

	if (exit == RUN_OK)
		exit = session_open_store(session, SESSION_READ, NULL);
	if (exit != RUN_OK)
		return exit;
	exit = find(session, out, used_out);
	if (exit != RUN_OK)
		session_close(session);
	return exit;
}

void tell_close(struct session *session)
{
	store_read_end(session->store);
	session_close(session);
}

/* --- the object -------------------------------------------------------- */

json_t *tell_object_json(const struct subject_view *view, struct arena *arena)
{
	const struct display_cs *cs = &view->cs;
	json_t *json = json_object();

	if (!view->in_cs) {
		(void)set(json, "kind", json_string("mv"));
		(void)set(json, "id", json_integer(view->mv.id));
		(void)set(json, "guid", json_of_text(view->mv.guid));
		(void)set(json, "type", json_of_text(view->mv.type));
		(void)set(json, "title",
			  json_of_sv(display_title(&view->mv.attrs)));
		return json;
	}
	(void)set(json, "kind", json_string("cs"));
	(void)set(json, "id", json_of_text(display_cs_id(cs->id, arena)));
	(void)set(json, "agent", json_of_text(cs->agent));
	(void)set(json, "type", json_of_text(cs->type));
	(void)set(json, "dn", json_of_sv(cs->dn));
	(void)set(json, "anchor", json_of_sv(cs->anchor));
	(void)set(json, "state", json_of_text(cs->state));
	(void)set(json, "mv", cs->mv ? json_integer(cs->mv) : json_null());
	(void)set(json, "rule_set", json_of_text(cs->rule_set));
	return json;
}

void tell_object(struct cli *cli, const struct subject_view *view)
{
	const char *bold = output_style(&cli->output, stdout, STYLE_BOLD);
	const char *plain = output_style(&cli->output, stdout, STYLE_NONE);
	const struct display_cs *cs = &view->cs;

	if (!view->in_cs) {
		(void)printf("%smv %lld%s  %s  %s\n", bold,
			     (long long)view->mv.id, plain, view->mv.type,
			     output_safe(display_title(&view->mv.attrs),
					 &cli->arena));
		return;
	}
	(void)printf("%s%s %s%s  %s%s%s", bold, cs->agent,
		     output_safe(show_name(cs, &cli->arena), &cli->arena),
		     plain, cs->type, *cs->type ? ", " : "", cs->state);
	if (cs->mv)
		(void)printf(" of mv %lld", (long long)cs->mv);
	(void)putchar('\n');
}

/* --- lines ------------------------------------------------------------- */

void tell_heading(struct cli *cli, const char *text)
{
	(void)printf("%s%s%s\n", output_style(&cli->output, stdout, STYLE_BOLD),
		     text, output_style(&cli->output, stdout, STYLE_NONE));
}

static void add_value(struct strbuf *out, struct sv text, size_t limit)
{
	size_t end = limit ? text_offset(text, limit) : text.len;

	output_escape(sv_sub(text, 0, end), out);
	if (end < text.len)
		strbuf_adds(out, "...");
}

const char *tell_values(struct cli *cli, const struct display_texts *texts,
			size_t limit)
{
	struct strbuf line = STRBUF_INIT(STRBUF_NO_LIMIT);
	const char *copy;
	size_t i;

	if (!texts->len)
		return "(none)";
	for (i = 0; i < texts->len; i++) {
		if (limit && i && line.len >= limit)
			break;
		strbuf_adds(&line, i ? "; " : "");
		add_value(&line, texts->at[i], limit);
	}
	if (i < texts->len)
		strbuf_addf(&line, " and %zu more", texts->len - i);
	copy = arena_cstr(&cli->arena, strbuf_sv(&line));
	strbuf_release(&line);
	return copy;
}

const char *tell_change(struct cli *cli, const struct display_texts *before,
			const struct display_texts *after, size_t limit)
{
	if (!before->len)
		return tell_values(cli, after, limit);
	return arena_printf(&cli->arena, "%s -> %s",
			    tell_values(cli, before, limit),
			    tell_values(cli, after, limit));
}

void tell_padded(const char *text, size_t width)
{
	size_t columns = text_width(sv_from(text));

	(void)printf("%s%*s", text,
		     columns < width ? (int)(width - columns) : 0, "");
}

size_t tell_wider(const char *text, size_t width, size_t most)
{
	size_t columns = text_width(sv_from(text));

	return columns > width && columns <= most ? columns : width;
}

void tell_place(struct cli *cli, const char *rule)
{
	struct sv place = preview_place(rule);

	if (place.len)
		(void)printf("  %s%s%s",
			     output_style(&cli->output, stdout, STYLE_DIM),
			     output_safe(place, &cli->arena),
			     output_style(&cli->output, stdout, STYLE_NONE));
}
