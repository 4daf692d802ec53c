/*
 * test_ldap_export.c - what the ldap connector writes into a real slapd
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connectors/ldap/ldap.h"

#include "base/clock.h"
#include "base/file.h"
#include "conformance.h"
#include "slapd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sched.h>
#include <signal.h>

/* An export under way. */
static struct writer {
	struct connector_config config;
	struct connector c;
	struct export_outcome outcomes[20000];
	size_t count;
	struct error err;
} writer;

static void open_writer(struct node *connect)
{
	memset(&writer, 0, sizeof(writer));
	writer.config = slapd_config(connect);
	writer.config.type_count = 3;
	if (connector_open(&writer.c, &ldap_connector, &writer.config,
			   &writer.err) ||
	    connector_export_begin(&writer.c, &writer.err))
		fail_msg("%s", writer.err.msg);
}

static int take(bool wait)
{
	int ret;

	while ((ret = connector_export_result(&writer.c, wait, &test_arena,
					      &writer.outcomes[writer.count],
					      &writer.err)) > 0)
		writer.count++;
	return ret;
}

static void close_writer(void)
{
	if (connector_export_end(&writer.c, &writer.err) || take(true))
		fail_msg("%s", writer.err.msg);
	connector_close(&writer.c);
}

static struct attr_change change_of(size_t attr, enum attr_op op, ...)
{
	struct attr_change out = { attr, op, { NULL, 0 } };
	const char *one;
	va_list args;

	out.values.at = arena_array(&test_arena, 8, sizeof(*out.values.at));
	va_start(args, op);
	while ((one = va_arg(args, const char *)))
		out.values.at[out.values.len++] = value_string(sv_from(one));
	va_end(args);
	return out;
}

static struct export_op op_of(enum export_kind kind, const char *dn)
{
	static uint64_t id;

	return (struct export_op){ .id = ++id,
				   .kind = kind,
				   .dn = sv_from(dn) };
}

static void give(struct export_op *op, struct attr_change attr)
{
	struct attr_change *attrs =
		arena_array(&test_arena, op->attr_count + 1, sizeof(*attrs));

	if (op->attr_count)
		memcpy(attrs, op->attrs, op->attr_count * sizeof(*attrs));
	attrs[op->attr_count++] = attr;
	op->attrs = attrs;
}

static void put(const struct export_op *op)
{
	if (connector_export_put(&writer.c, op, &writer.err))
		fail_msg("%s", writer.err.msg);
}

static const struct export_outcome *outcome_of(const struct export_op *op)
{
	static const struct export_outcome none;
	size_t i;

	for (i = 0; i < writer.count; i++)
		if (writer.outcomes[i].id == op->id)
			return &writer.outcomes[i];
	fail_msg("no outcome of '%s'", op->dn.ptr);
	return &none;
}

/* One operation by itself. */
static const struct export_outcome *run(const struct export_op *op)
{
	open_writer(slapd_connect());
	put(op);
	close_writer();
	assert_int_equal(writer.count, 1);
	return outcome_of(op);
}

static const struct export_outcome *run_ok(const struct export_op *op)
{
	const struct export_outcome *outcome = run(op);

	if (!outcome->ok)
		fail_msg("%s: " SV_FMT, outcome->error,
			 SV_ARG(outcome->message));
	return outcome;
}

static void assert_fails(const struct export_op *op, const char *error,
			 const char *part)
{
	const struct export_outcome *outcome = run(op);

	assert_false(outcome->ok);
	assert_string_equal(outcome->error, error);
	if (!strstr(outcome->message.ptr, part))
		fail_msg("no '%s' in '" SV_FMT "'", part,
			 SV_ARG(outcome->message));
}

static struct export_op add_of(const char *id, const char *sn)
{
	struct export_op op = op_of(
		EXPORT_ADD, arena_printf(&test_arena, "uid=%s," BASE, id));

	give(&op, change_of(SN, ATTR_REPLACE, sn, NULL));
	return op;
}

static void test_export_add(void **state)
{
	struct export_op op = add_of("ann", "Arbor");
	const struct export_outcome *outcome;

	(void)state;
	give(&op, change_of(PHONE, ATTR_ADD, "+1 1", "+1 2", NULL));
	give(&op, change_of(CLASS, ATTR_ADD, "uidObject", NULL));
	outcome = run_ok(&op);
	assert_true(sv_eq_str(outcome->dn, "uid=ann," BASE));
	assert_string_equal(slapd_look("uid=ann," BASE, "entryUUID"),
			    outcome->anchor.ptr);
	assert_string_equal(slapd_look("uid=ann," BASE, "uid"), "ann");
	assert_string_equal(
		slapd_look("uid=ann," BASE, "structuralObjectClass"),
		"inetOrgPerson");
	assert_false(outcome->adopted);
	assert_fails(&op, "cd-existing-object",
		     "(result code 68 entryAlreadyExists)");
	op.retry = true;
	outcome = run_ok(&op);
	assert_true(outcome->adopted);
	assert_string_equal(slapd_look("uid=ann," BASE, "entryUUID"),
			    outcome->anchor.ptr);
	give(&op, change_of(TITLE, ATTR_ADD, "Head", NULL));
	assert_fails(&op, "cd-existing-object", "68");
}

/* The server hashes a password: it cannot be compared. */
static void test_export_add_password(void **state)
{
	struct export_op op = add_of("ann", "Arbor");

	(void)state;
	give(&op, change_of(PASSWORD, ATTR_REPLACE, "one", NULL));
	(void)run_ok(&op);
	op.attrs[1] = change_of(PASSWORD, ATTR_REPLACE, "two", NULL);
	op.retry = true;
	assert_true(run_ok(&op)->adopted);
}

static void test_export_add_refused(void **state)
{
	struct export_op op = add_of("ann", "Arbor");

	(void)state;
	op.dn = SV_LIT("uid=ann,ou=nowhere," ROOT);
	assert_fails(&op, "non-existent-parent", "32 noSuchObject");
	op.dn = SV_LIT("ann");
	assert_fails(&op, "invalid-dn", "not a DN");
	op.dn = SV_LIT("nonsense=ann," BASE);
	assert_fails(&op, "invalid-dn", "34 invalidDNSyntax");
	op = op_of(EXPORT_ADD, "uid=ann," BASE);
	assert_fails(&op, "schema-violation", "65 objectClassViolation");
	op = add_of("ann", "Arbor");
	give(&op, change_of(MANAGER, ATTR_REPLACE, "nobody", NULL));
	assert_fails(&op, "invalid-attribute-value", "manager");
	assert_null(slapd_look("uid=ann," BASE, "uid"));
}

static struct attr_change refers_to(const char *dn)
{
	struct attr_change out = change_of(MANAGER, ATTR_REPLACE, dn, NULL);

	out.values.at[0] = value_reference(0, sv_from(dn));
	return out;
}

/* The server takes no secretary that is not there. */
static void test_export_references(void **state)
{
	struct export_op op = add_of("ann", "Arbor");
	const char *bob = "uid=bob," BASE;
	size_t plain = op.attr_count;

	(void)state;
	person_attrs[MANAGER].name = "secretary";
	give(&op, refers_to(bob));
	assert_true(run_ok(&op)->references_later);
	assert_string_equal(slapd_look("uid=ann," BASE, "sn"), "Arbor");
	assert_string_equal(slapd_look("uid=ann," BASE, "secretary"), "");
	/* cut off there, the entry is known again */
	op.retry = true;
	assert_true(run_ok(&op)->adopted);
	assert_true(writer.outcomes[0].references_later);
	/* nothing is left without it: the server says why */
	op = op_of(EXPORT_UPDATE, "uid=ann," BASE);
	give(&op, refers_to(bob));
	assert_fails(&op, "constraint-violation", "secretary");
	give(&op, change_of(TITLE, ATTR_REPLACE, "Head", NULL));
	assert_true(run_ok(&op)->references_later);
	assert_string_equal(slapd_look("uid=ann," BASE, "title"), "Head");
	/* refused for another reason */
	slapd_add_person("bob", "Birch");
	assert_false(run_ok(&op)->references_later);
	assert_string_equal(slapd_look("uid=ann," BASE, "secretary"), bob);
	op = add_of("cid", "Cedar");
	op.dn = SV_LIT("uid=cid,ou=nowhere," ROOT);
	assert_int_equal(op.attr_count, plain);
	give(&op, refers_to(bob));
	assert_fails(&op, "non-existent-parent", "32 noSuchObject");
	person_attrs[MANAGER].name = "manager";
}

static void test_references_setting(void **state)
{
	struct node *connect = slapd_connect();

	(void)state;
	assert_false(connector_caps(&ldap_connector, connect) &
		     CONNECTOR_CAP_REFERENCES_LATER);
	node_set(connect, "references", node_text("later"));
	assert_true(connector_caps(&ldap_connector, connect) &
		    CONNECTOR_CAP_REFERENCES_LATER);
	open_writer(connect);
	assert_true(writer.c.caps & CONNECTOR_CAP_REFERENCES_LATER);
	close_writer();
}

static void test_export_update(void **state)
{
	struct export_op op = op_of(EXPORT_UPDATE, "uid=ann," BASE);

	(void)state;
	give(&op, change_of(SN, ATTR_REPLACE, "Birch", NULL));
	give(&op, change_of(PHONE, ATTR_ADD, "+1 2", NULL));
	give(&op, change_of(PHONE, ATTR_DELETE, "+1 1", NULL));
	assert_fails(&op, "cd-missing-object", "noSuchObject");
	assert_int_equal(slapd_add("uid=ann," BASE, "objectClass",
				   "inetOrgPerson", "cn", "Ann", "sn", "Arbor",
				   "telephoneNumber", "+1 1", "title", "Head",
				   NULL),
			 0);
	(void)run_ok(&op);
	assert_string_equal(slapd_look("uid=ann," BASE, "telephoneNumber"),
			    "+1 2");
	assert_string_equal(slapd_look("uid=ann," BASE, "sn"), "Birch");
	assert_fails(&op, "cd-existing-attribute-or-value", "value");
	give(&op, change_of(TITLE, ATTR_REPLACE, NULL));
	op.retry = true;
	(void)run_ok(&op);
	assert_string_equal(slapd_look("uid=ann," BASE, "title"), "");
	op = op_of(EXPORT_UPDATE, "uid=ann," BASE);
	(void)run_ok(&op);
	give(&op, change_of(UID, ATTR_REPLACE, "bob", NULL));
	assert_fails(&op, "modify-naming-attribute", "64 namingViolation");
}

static void test_export_rename(void **state)
{
	struct export_op op = op_of(EXPORT_RENAME, "uid=ann," BASE);
	const struct export_outcome *outcome;

	(void)state;
	op.new_dn = SV_LIT("uid=anna,ou=new," ROOT);
	slapd_add_person("ann", "Arbor");
	assert_fails(&op, "non-existent-parent", "noSuchObject");
	slapd_add_unit("ou=new," ROOT);
	give(&op, change_of(SN, ATTR_REPLACE, "Birch", NULL));
	op.anchor = sv_from(slapd_look("uid=ann," BASE, "entryUUID"));
	outcome = run_ok(&op);
	assert_true(sv_eq(outcome->dn, op.new_dn));
	assert_string_equal(slapd_look(op.new_dn.ptr, "sn"), "Birch");
	assert_string_equal(slapd_look(op.new_dn.ptr, "uid"), "anna");
	assert_null(slapd_look(op.dn.ptr, "sn"));
	/* done before: its anchor tells, also without retry */
	op.attrs[0] = change_of(SN, ATTR_REPLACE, "Cedar", NULL);
	(void)run_ok(&op);
	assert_string_equal(slapd_look(op.new_dn.ptr, "sn"), "Cedar");
	op.anchor = SV_LIT("another");
	op.retry = true;
	assert_fails(&op, "cd-missing-object", "noSuchObject");
	op.anchor = SV_NULL;
	(void)run_ok(&op);
	slapd_add_person("ann", "Arbor");
	assert_fails(&op, "rename-to-existing-dn", "entryAlreadyExists");
}

static void test_export_delete(void **state)
{
	struct export_op op = op_of(EXPORT_DELETE, "uid=ann," BASE);

	(void)state;
	slapd_add_person("ann", "Arbor");
	(void)run_ok(&op);
	assert_fails(&op, "cd-missing-object", "noSuchObject");
	op.retry = true;
	(void)run_ok(&op);
	op.dn = SV_LIT(BASE);
	slapd_add_person("bob", "Birch");
	assert_fails(&op, "cd-error", "66 notAllowedOnNonLeaf");
}

static void test_export_delete_add(void **state)
{
	struct export_op op = add_of("ann", "Birch");
	const char *before;

	(void)state;
	slapd_add_person("ann", "Arbor");
	before = slapd_look("uid=ann," BASE, "entryUUID");
	op.kind = EXPORT_DELETE_ADD;
	op.anchor = sv_from(before);
	assert_false(sv_eq_str(run_ok(&op)->anchor, before));
	assert_string_equal(slapd_look("uid=ann," BASE, "sn"), "Birch");
}

static void test_export_denied(void **state)
{
	struct node *connect = conformance_map(
		&test_arena, "servers", node_text(slapd.url), "security",
		node_text("none"), "base", node_text(BASE), NULL);
	struct export_op op = add_of("ann", "Arbor");

	(void)state;
	open_writer(connect);
	put(&op);
	close_writer();
	assert_string_equal(outcome_of(&op)->error, "permission-issue");
}

static void put_unit(enum export_kind kind, const char *dn)
{
	struct export_op op = op_of(kind, dn);

	op.type = UNIT;
	put(&op);
}

/* Each hundred times: what depends on another operation waits for it. */
static void test_export_order(void **state)
{
	struct export_op op;
	char *dn;
	size_t i;

	(void)state;
	open_writer(slapd_connect());
	for (i = 0; i < 100; i++) {
		dn = arena_printf(&test_arena, "ou=u%zu," BASE, i);
		put_unit(EXPORT_ADD, dn);
		put_unit(EXPORT_ADD, arena_printf(&test_arena, "ou=in,%s", dn));
		op = op_of(EXPORT_ADD,
			   arena_printf(&test_arena, "uid=a,%s", dn));
		give(&op, change_of(SN, ATTR_REPLACE, "one", NULL));
		put(&op);
		op = op_of(EXPORT_UPDATE, op.dn.ptr);
		give(&op, change_of(SN, ATTR_REPLACE, "two", NULL));
		put(&op);
		op = op_of(EXPORT_RENAME, op.dn.ptr);
		op.new_dn = sv_from(
			arena_printf(&test_arena, "uid=b,ou=in,%s", dn));
		put(&op);
		op = op_of(EXPORT_ADD,
			   arena_printf(&test_arena, "uid=a,%s", dn));
		give(&op, change_of(SN, ATTR_REPLACE, "three", NULL));
		put(&op);
	}
	assert_int_equal(take(true), 0);
	for (i = 0; i < writer.count; i++)
		assert_true(writer.outcomes[i].ok);
	assert_int_equal(writer.count, 600);
	assert_string_equal(slapd_look("uid=b,ou=in,ou=u99," BASE, "sn"),
			    "two");
	for (i = 0; i < 100; i++) {
		dn = arena_printf(&test_arena, "ou=u%zu," BASE, i);
		put_unit(EXPORT_DELETE,
			 arena_printf(&test_arena, "uid=a,%s", dn));
		put_unit(EXPORT_DELETE,
			 arena_printf(&test_arena, "uid=b,ou=in,%s", dn));
		put_unit(EXPORT_DELETE,
			 arena_printf(&test_arena, "ou=in,%s", dn));
		put_unit(EXPORT_DELETE, dn);
	}
	close_writer();
	assert_int_equal(writer.count, 1000);
	for (i = 0; i < writer.count; i++)
		assert_true(writer.outcomes[i].ok);
}

/* The server is killed with changes outstanding and started again: each has its
 * outcome, and all was done once. */
static void test_export_goes_on(void **state)
{
	struct export_op op;
	size_t i;

	(void)state;
	slapd_add_person("old", "Old");
	open_writer(slapd_connect());
	for (i = 0; i < 400; i++) {
		op = add_of(arena_printf(&test_arena, "g%zu", i), "Go");
		put(&op);
		if (i % 150 == 100) {
			op = op_of(EXPORT_UPDATE, "uid=old," BASE);
			give(&op,
			     change_of(PHONE, ATTR_ADD,
				       arena_printf(&test_arena, "+%zu", i),
				       NULL));
			put(&op);
			assert_int_equal(kill(slapd.pid, SIGKILL), 0);
			slapd_again();
		}
		if (i % 3 == 0 && i > 200) {
			op = op_of(EXPORT_DELETE,
				   arena_printf(&test_arena, "uid=g%zu," BASE,
						i - 200));
			put(&op);
		}
	}
	close_writer();
	assert_int_equal(writer.count, 469);
	for (i = 0; i < writer.count; i++)
		assert_true(writer.outcomes[i].ok);
	for (i = 0; i < 400; i++) {
		bool gone = i + 200 < 400 && (i + 200) % 3 == 0 && i > 0;
		const char *sn = slapd_look(
			arena_printf(&test_arena, "uid=g%zu," BASE, i), "sn");

		assert_true(gone ? !sn : sn && !strcmp(sn, "Go"));
	}
	assert_string_equal(slapd_look("uid=old," BASE, "telephoneNumber"),
			    "+100");
}

/* A server that does not come back ends it. */
static void test_export_killed(void **state)
{
	struct node *connect = slapd_connect();
	struct export_op op;
	size_t before;
	size_t i;
	int ret = 0;

	(void)state;
	node_set(connect, "reconnect", node_text("1"));
	open_writer(connect);
	for (i = 0; i < 10000 && !ret; i++) {
		op = add_of(arena_printf(&test_arena, "k%zu", i), "Kill");
		ret = connector_export_put(&writer.c, &op, &writer.err);
		if (i == 500)
			assert_int_equal(kill(slapd.pid, SIGKILL), 0);
		if (i % 50 == 0)
			ret = take(false);
	}
	before = writer.count;
	assert_int_equal(take(true), -1);
	assert_true(writer.count >= before);
	assert_int_equal(writer.err.code, ERR_UNAVAILABLE);
	assert_message(&writer.err, slapd.url);
	assert_message(&writer.err, "cannot add 'uid=k");
	assert_int_equal(connector_export_end(&writer.c, &writer.err), -1);
	connector_close(&writer.c);
	slapd_again();
	for (i = 0; i < writer.count; i++)
		assert_true(writer.outcomes[i].ok);
}

/* Writing on to a server that is gone is an error, not a signal. */
static void test_export_after_kill(void **state)
{
	struct node *connect = slapd_connect();
	struct export_op op;
	size_t i;
	int ret = 0;

	(void)state;
	node_set(connect, "reconnect", node_text("0"));
	open_writer(connect);
	assert_int_equal(kill(slapd.pid, SIGKILL), 0);
	slapd_again();
	for (i = 0; i < 20 && !ret; i++) {
		op = add_of(arena_printf(&test_arena, "k%zu", i), "Kill");
		ret = connector_export_put(&writer.c, &op, &writer.err);
	}
	assert_int_equal(take(true), -1);
	assert_int_equal(writer.count, 0);
	assert_int_equal(writer.err.code, ERR_UNAVAILABLE);
	connector_close(&writer.c);
}

/* All its threads: one that still runs may answer. */
static bool is_stopped(void)
{
	struct strbuf status = STRBUF_INIT(4096);
	struct error ignored = ERROR_INIT;
	char path[64];
	bool stopped = true;
	const struct dirent *task;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)slapd.pid);
	tasks = opendir(path);
	assert_non_null(tasks);
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat",
			       (int)slapd.pid, task->d_name);
		strbuf_reset(&status);
		if (file_read(path, &status, &ignored) == 0)
			stopped &= strstr(strbuf_cstr(&status), ") T ") != NULL;
	}
	(void)closedir(tasks);
	strbuf_release(&status);
	return stopped;
}

/* A server that hangs is given up after `timeout`. */
static void test_export_hangs(void **state)
{
	struct node *connect = slapd_connect();
	struct export_op op = add_of("ann", "Arbor");
	int64_t began;

	(void)state;
	node_set(connect, "timeout", node_text("1"));
	open_writer(connect);
	assert_int_equal(kill(slapd.pid, SIGSTOP), 0);
	while (!is_stopped())
		(void)sched_yield();
	began = clock_monotonic_ms();
	put(&op);
	assert_int_equal(take(true), -1);
	assert_int_equal(kill(slapd.pid, SIGCONT), 0);
	assert_true(clock_monotonic_ms() - began < 5000);
	assert_int_equal(writer.err.code, ERR_UNAVAILABLE);
	assert_message(&writer.err, "no answer within 1 s");
	connector_close(&writer.c);
}

#define TEST(f) cmocka_unit_test_setup(f, slapd_fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_export_add),         TEST(test_export_add_password),
		TEST(test_export_add_refused), TEST(test_export_references),
		TEST(test_references_setting), TEST(test_export_update),
		TEST(test_export_rename),      TEST(test_export_delete),
		TEST(test_export_delete_add),  TEST(test_export_denied),
		TEST(test_export_order),       TEST(test_export_killed),
		TEST(test_export_goes_on),     TEST(test_export_after_kill),
		TEST(test_export_hangs),
	};

	return cmocka_run_group_tests(tests, slapd_begin, slapd_end);
}
