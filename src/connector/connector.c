/*
 * connector.c - the wrappers that engine code calls
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connector/connector.h"

#include <assert.h>
#include <string.h>

uint32_t connector_caps(const struct connector_ops *ops,
			const struct node *connect)
{
	return ops->caps_of ? ops->caps_of(ops, connect) : ops->caps;
}

static int context(const struct connector *connector, struct error *err,
		   const char *doing)
{
	return error_context(err, "agent '%s': cannot %s",
			     connector->config->agent, doing);
}

static int require(const struct connector *connector, uint32_t cap,
		   const char *doing, struct error *err)
{
	if (connector->caps & cap)
		return 0;
	return error_set(err, ERR_UNSUPPORTED,
			 "agent '%s': this '%s' agent is not set up to %s",
			 connector->config->agent, connector->ops->name, doing);
}

int connector_open(struct connector *connector, const struct connector_ops *ops,
		   const struct connector_config *config, struct error *err)
{
	memset(connector, 0, sizeof(*connector));
	connector->ops = ops;
	connector->config = config;
	connector->caps = connector_caps(ops, config->connect);
	if (ops->abi != CONNECTOR_ABI)
		return error_set(err, ERR_UNSUPPORTED,
				 "connector '%s' is of another version",
				 ops->name);
	if (ops->open(ops, config, &connector->session, err) < 0)
		return context(connector, err, "connect");
	return 0;
}

void connector_close(struct connector *connector)
{
	if (connector->ops && connector->session)
		connector->ops->close(connector->session);
	connector->session = NULL;
}

int connector_look(struct connector *connector, struct arena *arena,
		   struct connector_look *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	if (!connector->ops->look)
		return 0;
	if (connector->ops->look(connector->session, arena, out, err) < 0)
		return context(connector, err, "ask what may be written");
	return 0;
}

static int cannot_tell(const struct connector *connector, struct error *err)
{
	return error_set(err, ERR_UNSUPPORTED,
			 "agent '%s': a '%s' system does not tell what it can "
			 "hold",
			 connector->config->agent, connector->ops->name);
}

int connector_schema(struct connector *connector, struct arena *arena,
		     struct schema *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	if (!connector->ops->schema)
		return cannot_tell(connector, err);
	if (connector->ops->schema(connector->session, arena, out, err) < 0)
		return context(connector, err, "read the schema");
	return 0;
}

int connector_sample(struct connector *connector, const char *type, size_t most,
		     struct arena *arena, struct schema_sample *out,
		     struct error *err)
{
	memset(out, 0, sizeof(*out));
	if (!connector->ops->sample)
		return cannot_tell(connector, err);
	if (connector->ops->sample(connector->session, type, most, arena, out,
				   err) < 0)
		return context(connector, err, "read a sample");
	return 0;
}

int connector_import_begin(struct connector *connector, enum import_kind kind,
			   struct sv watermark, struct error *err)
{
	uint32_t cap = kind == IMPORT_FULL ? CONNECTOR_CAP_IMPORT
					   : CONNECTOR_CAP_DELTA;
	int ret;

	if (require(connector, cap,
		    kind == IMPORT_FULL ? "import" : "import changes only",
		    err) < 0)
		return -1;
	ret = connector->ops->import_begin(connector->session, kind, watermark,
					   err);
	return ret < 0 ? context(connector, err, "begin the import") : ret;
}

int connector_next_deferred(struct connector *connector, struct arena *arena,
			    struct change *out, struct error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = connector->ops->next(connector->session, arena, out, err);
	return ret < 0 ? context(connector, err, "read on") : ret;
}

void connector_expand(const struct connector *connector, struct arena *arena,
		      struct change *change)
{
	if (!change->deferred)
		return;
	connector->ops->expand(connector->session, arena, change);
	change->deferred = false;
}

struct sv connector_place(const struct connector *connector,
			  struct arena *arena, const struct change *change,
			  size_t attr)
{
	if (!connector->ops->place || !change->record)
		return SV_NULL;
	return connector->ops->place(connector->session, arena, change, attr);
}

int connector_next(struct connector *connector, struct arena *arena,
		   struct change *out, struct error *err)
{
	int ret = connector_next_deferred(connector, arena, out, err);

	if (ret > 0)
		connector_expand(connector, arena, out);
	return ret;
}

int connector_import_end(struct connector *connector, struct arena *arena,
			 struct sv *watermark_out, struct error *err)
{
	*watermark_out = SV_NULL;
	if (connector->ops->import_end(connector->session, arena, watermark_out,
				       err) < 0)
		return context(connector, err, "end the import");
	return 0;
}

int connector_import_kept(struct connector *connector, struct error *err)
{
	if (!connector->ops->import_kept)
		return 0;
	if (connector->ops->import_kept(connector->session, err) < 0)
		return context(connector, err,
			       "let go of the changes that were imported");
	return 0;
}

int connector_import_flawed(struct connector *connector, int64_t errors,
			    struct error *err)
{
	if (!connector->ops->import_flawed)
		return 0;
	if (connector->ops->import_flawed(connector->session, errors, err) < 0)
		return context(connector, err, "put away what was imported");
	return 0;
}

const char *connector_import_note(const struct connector *connector)
{
	if (!connector->ops->import_note)
		return NULL;
	return connector->ops->import_note(connector->session);
}

int connector_delta_setup(struct connector *connector, struct arena *arena,
			  struct sv *out, struct error *err)
{
	if (!connector->ops->delta_setup)
		return error_set(err, ERR_UNSUPPORTED,
				 "agent '%s': the delta import of a '%s' "
				 "system needs nothing that could be set up",
				 connector->config->agent,
				 connector->ops->name);
	if (connector->ops->delta_setup(connector->session, arena, out, err) <
	    0)
		return context(connector, err, "write what deltas need");
	return 0;
}

int connector_import_progress(const struct connector *connector)
{
	if (!connector->ops->import_progress)
		return -1;
	return connector->ops->import_progress(connector->session);
}

int connector_wait(struct connector *connector, int timeout_ms,
		   struct error *err)
{
	int ret;

	if (require(connector, CONNECTOR_CAP_NOTIFY, "notify of changes", err) <
	    0)
		return -1;
	ret = connector->ops->wait(connector->session, timeout_ms, err);
	return ret < 0 ? context(connector, err, "wait for changes") : ret;
}

int connector_export_begin(struct connector *connector, struct error *err)
{
	if (require(connector, CONNECTOR_CAP_EXPORT, "export", err) < 0)
		return -1;
	if (connector->ops->export_begin &&
	    connector->ops->export_begin(connector->session, err) < 0)
		return context(connector, err, "begin the export");
	return 0;
}

int connector_export_put(struct connector *connector,
			 const struct export_op *op, struct error *err)
{
	if (connector->ops->export_put(connector->session, op, err) < 0)
		return context(connector, err, "write");
	return 0;
}

int connector_export_result(struct connector *connector, bool wait,
			    struct arena *arena, struct export_outcome *out,
			    struct error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = connector->ops->export_result(connector->session, wait, arena,
					    out, err);
	return ret < 0 ? context(connector, err, "write") : ret;
}

int connector_export_end(struct connector *connector, struct error *err)
{
	if (connector->ops->export_end &&
	    connector->ops->export_end(connector->session, err) < 0)
		return context(connector, err, "finish the export");
	return 0;
}

/* Puts stars where the secret stands; the text becomes no longer. */
static void mask(char *text, size_t len, const struct secret *secret)
{
	char *at = text;

	if (!secret || !secret->len)
		return;
	while ((at = memmem(at, len - (size_t)(at - text), secret->bytes,
			    secret->len))) {
		memset(at, '*', secret->len);
		at += secret->len;
	}
}

static void mask_both(char *text, size_t len, const struct password_op *op)
{
	mask(text, len, op->new_password);
	mask(text, len, op->old_password);
}

int connector_password(struct connector *connector,
		       const struct password_op *op, struct arena *arena,
		       struct export_outcome *out, struct error *err)
{
	const char *doing = op->old_password ? "change passwords"
					     : "set passwords";
	char *text;

	memset(out, 0, sizeof(*out));
	if (require(connector,
		    op->old_password ? CONNECTOR_CAP_PASSWORD_CHANGE
				     : CONNECTOR_CAP_PASSWORD_SET,
		    doing, err) < 0)
		return -1;
	if (connector->ops->password(connector->session, op, arena, out, err) <
	    0) {
		mask_both(err->msg, strlen(err->msg), op);
		return context(connector, err, doing);
	}
	text = arena_cstr(arena, out->message);
	mask_both(text, out->message.len, op);
	out->message = sv_make(text, out->message.len);
	return 0;
}

const struct connector_ops *
connector_find(const struct connector_ops *const *table, struct sv name)
{
	for (; *table; table++)
		if (sv_eq_str(name, (*table)->name))
			return *table;
	return NULL;
}

char *connector_path(const struct connector_config *config, struct sv path,
		     struct arena *arena)
{
	if (path.len && path.ptr[0] == '/')
		return arena_cstr(arena, path);
	return arena_printf(arena, "%s/" SV_FMT, config->folder, SV_ARG(path));
}
