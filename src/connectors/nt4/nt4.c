/*
 * nt4.c - the nt4 connector: settings, session, table of operations
 *
 * Users, global groups and local groups (aliases) of a domain as Windows NT 4
 * has them, and Samba's domain controllers in that style, by SAMR: the remote
 * procedures are left to rpcclient and net of Samba, which are run as programs
 * (nt4_tool.c). An object is known by its relative identifier (RID), and named
 * by its account name: "CN=ann,DC=NT4DOM".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/nt4/nt4.h"

#include "connectors/nt4/nt4_private.h"

#include <stdio.h>
#include <strings.h>

#define SETTING(n, t, f, h)                                                    \
	{                                                                      \
		.name = (n), .type = (t), .fallback = (f), .help = (h)         \
	}

const struct setting_def nt4_settings[] = {
	{ .name = "server",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "host name or address of the primary domain controller" },
	{ .name = "domain",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "the domain's name" },
	{ .name = "user",
	  .type = SETTING_TEXT,
	  .required = true,
	  .help = "account of the domain to sign in as" },
	{ .name = "password",
	  .type = SETTING_SECRET,
	  .required = true,
	  .help = "its password" },
	{ .name = "protocol",
	  .type = SETTING_CHOICE,
	  .fallback = "smb2",
	  .words = "smb2|nt1",
	  .help = "nt1: what a real NT 4 speaks; smb2: what Samba does, with "
		  "signing and encryption" },
	SETTING("tools", SETTING_PATH, NULL,
		"folder of rpcclient and net; default: where commands are"),
	SETTING("timeout", SETTING_NUMBER, "120",
		"seconds that a program may take"),
	{ .name = NULL },
};

static void nt4_close(struct connector_session *session)
{
	if (!session)
		return;
	nt4_import_free(session);
	nt4_export_free(session);
	secret_release(&session->sign_in);
	arena_release(&session->arena);
	mem_free(session);
}

static char *setting(struct connector_session *session, const char *name)
{
	return arena_cstr(
		&session->arena,
		setting_text(session->config->connect, nt4_settings, name));
}

/* The file that both programs take by -A. */
static int make_sign_in(struct connector_session *session, struct error *err)
{
	const struct connector_config *config = session->config;
	struct secret password = SECRET_INIT;
	struct strbuf text = STRBUF_INIT(4096);
	int ret = config->secret(
		config->secret_data,
		setting_text(config->connect, nt4_settings, "password"),
		&password, err);

	if (ret == 0) {
		struct sv secret = secret_view(&password);

		strbuf_addf(&text,
			    "username = %s\npassword = " SV_FMT
			    "\ndomain = %s\n",
			    setting(session, "user"), SV_ARG(secret),
			    session->domain);
		secret_set(&session->sign_in, strbuf_sv(&text));
		explicit_bzero(text.ptr, text.len);
	}
	strbuf_release(&text);
	secret_release(&password);
	return ret;
}

/* Signs in once, so that a wrong password is told at once. */
static int say_hello(struct connector_session *session, struct error *err)
{
	struct arena arena = ARENA_INIT;
	struct process_talk talk;
	struct sv line;
	size_t at = 0;
	bool mine = false;
	int ret = nt4_rpcclient(session, SV_LIT("lsaquery\n"), &talk, &arena,
				err);

	while (ret == 0 && nt4_next_line(talk.out, &at, &line))
		if (sv_starts(line, SV_LIT("Domain Name: ")))
			mine = sv_ieq_str(sv_sub(line, 13, line.len),
					  session->domain);
	if (ret == 0 && !mine)
		ret = error_set(err, ERR_INVALID,
				"%s is not of the domain '%s': check server "
				"and domain",
				session->server, session->domain);
	arena_release(&arena);
	return ret;
}

static int nt4_open(const struct connector_ops *ops,
		    const struct connector_config *config,
		    struct connector_session **out, struct error *err)
{
	struct connector_session *session = mem_zalloc(sizeof(*session));
	struct sv tools;

	(void)ops;
	session->config = config;
	session->server = setting(session, "server");
	session->domain = setting(session, "domain");
	session->old = sv_eq_str(
		setting_text(config->connect, nt4_settings, "protocol"), "nt1");
	session->timeout =
		(int)setting_number(config->connect, nt4_settings, "timeout");
	tools = setting_text(config->connect, nt4_settings, "tools");
	session->tools = tools.len
				 ? arena_printf(&session->arena, "%s/",
						connector_path(config, tools,
							       &session->arena))
				 : "";
	if (make_sign_in(session, err) < 0 || say_hello(session, err) < 0) {
		nt4_close(session);
		return -1;
	}
	*out = session;
	return 0;
}

static bool is_plain(struct sv text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' ||
		    strchr("\"/\\[]:;|=,+*?<>", text.ptr[i]))
			return false;
	return text.len > 0 && text.ptr[0] != '-';
}

static void nt4_check(const struct connector_ops *ops,
		      const struct connector_config *config,
		      setting_report_fn report, void *data)
{
	static const char *const plain[] = { "server", "domain", "user" };
	const struct node *at;
	int64_t number;
	size_t i;

	(void)ops;
	for (i = 0; i < 3; i++) {
		at = node_get(config->connect, plain[i]);
		if (at && at->kind == NODE_SCALAR && !is_plain(at->text) &&
		    !(i == 0 && sv_find(at->text, ':', 0) < at->text.len))
			report(data, at, "this is no such name");
	}
	at = node_get(config->connect, "timeout");
	if (at && at->kind == NODE_SCALAR && sv_to_i64(at->text, &number) &&
	    (number < 1 || number > 3600))
		report(data, at, "'timeout' must be between 1 and 3600");
	for (i = 0; i < config->type_count; i++)
		if (nt4_kind_of(config->types[i].name) == NT4_KINDS)
			report(data, config->connect,
			       "an object of a domain is of the type 'user', "
			       "'group' or 'alias'");
}

static void nt4_bases(const struct node *connect, struct arena *arena,
		      struct sv **out, size_t *count_out)
{
	*out = arena_alloc(arena, sizeof(**out));
	**out = sv_from(arena_printf(
		arena, "DC=" SV_FMT,
		SV_ARG(setting_text(connect, nt4_settings, "domain"))));
	*count_out = 1;
}

static const struct connector_rule disabled[] = {
	{ "disabled", "True" },
	{ NULL, NULL },
};

static const struct connector_rule *nt4_disable(const char *type)
{
	return nt4_kind_of(type) == NT4_USER ? disabled : NULL;
}

const struct connector_ops nt4_connector = {
	.abi = CONNECTOR_ABI,
	.name = "nt4",
	.help = "Windows NT 4 domains, and Samba's in that style",
	.caps = CONNECTOR_CAP_IMPORT | CONNECTOR_CAP_EXPORT | CONNECTOR_CAP_DN |
		CONNECTOR_CAP_RENAME,
	.settings = nt4_settings,
	.known_attrs = nt4_known_attrs,
	.bases = nt4_bases,
	.disable = nt4_disable,
	.check = nt4_check,
	.open = nt4_open,
	.close = nt4_close,
	.import_begin = nt4_import_begin,
	.next = nt4_import_next,
	.import_end = nt4_import_end,
	.import_progress = nt4_import_progress,
	.export_begin = nt4_export_begin,
	.export_put = nt4_export_put,
	.export_result = nt4_export_result,
	.export_end = nt4_export_end,
};
