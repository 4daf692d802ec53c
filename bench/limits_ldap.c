/*
 * limits_ldap.c - entries of an LDIF file, added as fast as libldap can
 *
 *	bench_limits adds URL BIND_DN PASSWORD FILE OUTSTANDING
 *
 * The loop that any program could write: as many adds outstanding as are
 * allowed, answers taken in whatever order they come. As an export does, it
 *asks for the entry's id in the answer (RFC 4527), and does not look at it. The
 *file is read before the clock starts; an entry that is there already is none
 *of its business.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limits.h"

#include "base/file.h"
#include "base/vec.h"

#include <inttypes.h>
#include <ldap.h>
#include <string.h>
#include <sys/time.h>

#define ATTRS_MAX 64

struct add {
	char *dn;
	LDAPMod **mods;
};

struct adds {
	struct arena arena;
	VEC(struct add) list;
};

/* A value of the attribute: one after another with the same name belong
 * together. */
static void take_value(struct adds *adds, LDAPMod **mods, size_t *count,
		       struct sv name, struct sv value)
{
	LDAPMod *mod = *count ? mods[*count - 1] : NULL;
	char **values;
	size_t len = 0;

	if (!mod || !sv_eq(sv_from(mod->mod_type), name)) {
		if (*count + 1 >= ATTRS_MAX)
			return;
		mod = arena_alloc(&adds->arena, sizeof(*mod));
		memset(mod, 0, sizeof(*mod));
		mod->mod_op = LDAP_MOD_ADD;
		mod->mod_type = arena_cstr(&adds->arena, name);
		mods[(*count)++] = mod;
	}
	while (mod->mod_values && mod->mod_values[len])
		len++;
	values = arena_array(&adds->arena, len + 2, sizeof(*values));
	if (len)
		memcpy(values, mod->mod_values, len * sizeof(*values));
	values[len] = arena_cstr(&adds->arena, value);
	values[len + 1] = NULL;
	mod->mod_values = values;
}

/* One record: lines "name: value", as bench/directory.py writes them. */
static void take_record(struct adds *adds, struct sv text)
{
	LDAPMod *mods[ATTRS_MAX] = { NULL };
	struct add add = { NULL, NULL };
	size_t count = 0;

	while (text.len) {
		size_t end = sv_find(text, '\n', 0);
		struct sv line = sv_sub(text, 0, end);
		size_t colon = sv_find(line, ':', 0);
		struct sv value = sv_sub(
			line, colon + 2 < line.len ? colon + 2 : line.len,
			line.len);
		struct sv name = sv_sub(line, 0, colon);

		text = end < text.len ? sv_sub(text, end + 1, text.len)
				      : SV_NULL;
		if (!value.len)
			continue;
		if (sv_eq(name, SV_LIT("dn")))
			add.dn = arena_cstr(&adds->arena, value);
		else
			take_value(adds, mods, &count, name, value);
	}
	if (!add.dn)
		return;
	add.mods = arena_array(&adds->arena, count + 1, sizeof(*add.mods));
	memcpy(add.mods, mods, (count + 1) * sizeof(*add.mods));
	vec_push(&adds->list, add);
}

static int read_adds(struct adds *adds, const char *path, struct error *err)
{
	struct strbuf bytes = STRBUF_INIT(STRBUF_NO_LIMIT);
	struct sv text;
	int ret = file_read(path, &bytes, err);

	text = strbuf_sv(&bytes);
	while (ret == 0 && text.len) {
		size_t end = 0;

		do
			end = sv_find(text, '\n', end) + 1;
		while (end < text.len && text.ptr[end] != '\n');
		if (end > text.len)
			end = text.len;
		take_record(adds, sv_sub(text, 0, end));
		text = end + 1 < text.len ? sv_sub(text, end + 1, text.len)
					  : SV_NULL;
	}
	strbuf_release(&bytes);
	return ret;
}

static int refused(int code, const char *what, struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE, "%s: %s", what,
			 ldap_err2string(code));
}

/* One answer, of whichever add. */
static int take_answer(LDAP *ld, struct error *err)
{
	LDAPMessage *message = NULL;
	int code = LDAP_OTHER;
	int type = ldap_result(ld, LDAP_RES_ANY, LDAP_MSG_ALL, NULL, &message);

	if (type <= 0)
		return refused(LDAP_SERVER_DOWN, "no answer to an add", err);
	if (ldap_parse_result(ld, message, &code, NULL, NULL, NULL, NULL, 1) !=
	    LDAP_SUCCESS)
		code = LDAP_DECODING_ERROR;
	return code == LDAP_SUCCESS || code == LDAP_ALREADY_EXISTS
		       ? 0
		       : refused(code, "an add was refused", err);
}

static LDAPControl *ask_for_id(void)
{
	static char id[] = "entryUUID";
	char *names[] = { id, NULL };
	LDAPControl *control = NULL;
	struct berval *value = NULL;
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	if (!ber || ber_printf(ber, "{v}", names) < 0 ||
	    ber_flatten(ber, &value) < 0 ||
	    ldap_control_create(LDAP_CONTROL_POST_READ, 0, value, 1, &control))
		control = NULL;
	ber_bvfree(value);
	ber_free(ber, 1);
	return control;
}

static int add_all(LDAP *ld, const struct adds *adds, size_t most,
		   LDAPControl *id_wanted, struct error *err)
{
	LDAPControl *controls[] = { id_wanted, NULL };
	const struct add *add;
	size_t outstanding = 0;

	vec_foreach(&adds->list, add) {
		int id;
		int code = ldap_add_ext(ld, add->dn, add->mods, controls, NULL,
					&id);

		if (code != LDAP_SUCCESS)
			return refused(code, "cannot send an add", err);
		if (++outstanding < most)
			continue;
		if (take_answer(ld, err) < 0)
			return -1;
		outstanding--;
	}
	for (; outstanding; outstanding--)
		if (take_answer(ld, err) < 0)
			return -1;
	return 0;
}

static int connect_to(LDAP **out, char **words, struct error *err)
{
	const int version = LDAP_VERSION3;
	struct berval password = { strlen(words[2]), words[2] };
	int code = ldap_initialize(out, words[0]);

	if (code == LDAP_SUCCESS)
		code = ldap_set_option(*out, LDAP_OPT_PROTOCOL_VERSION,
				       &version);
	if (code == LDAP_SUCCESS)
		code = ldap_sasl_bind_s(*out, words[1], LDAP_SASL_SIMPLE,
					&password, NULL, NULL, NULL);
	return code == LDAP_SUCCESS ? 0 : refused(code, words[0], err);
}

int limit_adds(char **words, struct error *err)
{
	struct adds adds = { .arena = ARENA_INIT };
	uint64_t most = 0;
	LDAPControl *id_wanted = ask_for_id();
	LDAP *ld = NULL;
	double started;
	int ret = read_adds(&adds, words[3], err);

	if (ret == 0)
		ret = limit_number(words[4], &most, err);
	started = limit_now();
	if (ret == 0)
		ret = connect_to(&ld, words, err);
	if (ret == 0)
		ret = add_all(ld, &adds, (size_t)most, id_wanted, err);
	(void)limit_report(ret, started, adds.list.len);
	if (ld)
		(void)ldap_unbind_ext_s(ld, NULL, NULL);
	if (id_wanted)
		ldap_control_free(id_wanted);
	vec_release(&adds.list);
	arena_release(&adds.arena);
	return ret;
}
