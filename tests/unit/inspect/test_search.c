/*
 * test_search.c - clauses, states and names over a small store made by hand
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/pending.h"
#include "inspect/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SN = 2, BOSS, BADGE, PASSWORD, ATTRS = PASSWORD };

static const char *const attr_names[] = { NULL,   "dn",    "sn",
					  "boss", "badge", "userPassword" };

struct fixture {
	char folder[64];
	struct config config;
	struct store *store;
	struct display display;
	struct arena arena;
	struct error err;
	struct strbuf found; /* ids, blank behind each */
	uint32_t agent;
	uint32_t type;
	uint32_t mv_type;
};

static struct values one(struct fixture *fixture, struct value value)
{
	struct values values = { arena_alloc(&fixture->arena, sizeof(value)),
				 1 };

	values.at[0] = value;
	return values;
}

static struct image image_of(struct fixture *fixture, struct sv sn,
			     int64_t boss, int64_t badge)
{
	struct image image = IMAGE_EMPTY;

	image_set(&image, SN, one(fixture, value_string(sn)), &fixture->arena);
	if (boss)
		image_set(&image, BOSS,
			  one(fixture, value_reference(boss, SV_NULL)),
			  &fixture->arena);
	image_set(&image, BADGE, one(fixture, value_integer(badge)),
		  &fixture->arena);
	image_set(&image, PASSWORD,
		  one(fixture, value_string(SV_LIT("hunter2"))),
		  &fixture->arena);
	return image;
}

static void put_mv(struct fixture *fixture, struct store_tx *tx, int64_t id,
		   struct sv sn, int64_t boss, int64_t badge)
{
	struct mv_row row = { .id = id, .type = fixture->mv_type };
	struct strbuf bytes = STRBUF_INIT(10000);
	struct image image = image_of(fixture, sn, boss, badge);

	image_encode(&image, store_attr_map(fixture->store), &bytes);
	row.image = strbuf_sv(&bytes);
	assert_int_equal(store_mv_put(tx, &row, &fixture->err), 0);
	strbuf_release(&bytes);
}

/* Below dc=x, with a key for its name and one for its anchor. */
static struct entry put_cs(struct fixture *fixture, struct store_tx *tx,
			   struct tree *tree, const char *name, int64_t boss)
{
	struct entry entry;
	const char *rdn = arena_printf(&fixture->arena, "cn=%s", name);
	struct anchor_key key;

	memset(&entry, 0, sizeof(entry));
	entry.row.id = store_cs_new_id(tx, fixture->agent);
	entry.row.type = fixture->type;
	entry.row.anchor = sv_from(name);
	entry.row.has_image = true;
	assert_int_equal(
		tree_place(
			tree, tx,
			sv_from(arena_printf(&fixture->arena, "%s,dc=x", rdn)),
			&entry.row.parent, &entry.row.rdn, &fixture->err),
		0);
	entry.image = image_of(fixture, sv_from(name), boss, 1);
	assert_int_equal(entry_put_row(tx, &entry, &fixture->err), 0);
	tree_add_key(tree,
		     key_of_name(fixture->store, fixture->agent,
				 entry.row.parent, entry.row.rdn),
		     entry.row.id);
	key.h = key_of_anchor(fixture->store, fixture->agent, 0,
			      entry.row.anchor);
	key.id = entry.row.id;
	memset(&key.content, 0, sizeof(key.content));
	assert_int_equal(
		store_anchor_put(tx, fixture->agent, &key, &fixture->err), 0);
	return entry;
}

/* lee is a connector with an export pending; miller is new; novak is filtered
 * and in error. */
static void fill_cs(struct fixture *fixture, struct store_tx *tx)
{
	struct link_row link = { .mv = 1, .how = LINK_JOIN };
	struct cs_error error = { .kind = ERROR_SYNC,
				  .code = SV_LIT("rule-error"),
				  .message = SV_LIT("no"),
				  .last = 1 };
	struct entry entry;
	struct tree tree;

	tree_init(&tree, fixture->store, fixture->agent);
	entry = put_cs(fixture, tx, &tree, "lee", 0);
	link.cs = entry.row.id;
	link.rule_set = store_name_add(tx, NAME_RULE_SET, SV_LIT("dir.person"),
				       &fixture->err);
	assert_int_equal(store_link_put(tx, &link, &fixture->err), 0);
	entry.pending.op = PENDING_UPDATE;
	image_put(&entry.pending.attrs, SN,
		  one(fixture, value_string(SV_LIT("lee-smith"))),
		  &fixture->arena);
	image_put(&entry.pending.attrs, BADGE, (struct values){ NULL, 0 },
		  &fixture->arena);
	assert_int_equal(entry_put_pending(tx, &entry, &fixture->err), 0);
	entry = put_cs(fixture, tx, &tree, "miller", entry.row.id);
	entry.import = IMPORT_ADD;
	assert_int_equal(entry_put_import(tx, &entry, &fixture->err), 0);
	entry = put_cs(fixture, tx, &tree, "novak", 0);
	link = (struct link_row){ .cs = entry.row.id,
				  .state = LINK_FILTERED,
				  .how = LINK_FILTER };
	assert_int_equal(store_link_put(tx, &link, &fixture->err), 0);
	error.cs = entry.row.id;
	assert_int_equal(store_error_put(tx, &error, &fixture->err), 0);
	assert_int_equal(tree_flush(&tree, tx, &fixture->err), 0);
	tree_release(&tree);
}

static int set_up(void **state)
{
	struct fixture *fixture = mem_zalloc(sizeof(*fixture));
	struct store_tx *tx;

	fixture->found.max = 10000;
	(void)snprintf(fixture->folder, sizeof(fixture->folder),
		       "/tmp/conjoin-search-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	assert_int_equal(
		store_open(arena_printf(&fixture->arena, "sqlite:%s/db",
					fixture->folder),
			   STORE_CREATE, &fixture->store, &fixture->err),
		0);
	assert_int_equal(store_bind_attributes(fixture->store, attr_names,
					       ATTRS, &fixture->err),
			 0);
	assert_int_equal(
		store_begin(fixture->store, STORE_BULK, &tx, &fixture->err), 0);
	fixture->agent = store_name_add(tx, NAME_AGENT, SV_LIT("dir"), NULL);
	fixture->type = store_name_add(tx, NAME_TYPE, SV_LIT("user"), NULL);
	fixture->mv_type =
		store_name_add(tx, NAME_MV_TYPE, SV_LIT("person"), NULL);
	put_mv(fixture, tx, 1, SV_LIT("Lee"), 0, 100);
	put_mv(fixture, tx, 2,
	       SV_LIT("Stra\xc3\x9f"
		      "er"),
	       1, 200);
	put_mv(fixture, tx, 3, SV_LIT("Lehmann"), 1, 300);
	fill_cs(fixture, tx);
	assert_int_equal(store_commit(tx, &fixture->err), 0);
	display_init(&fixture->display, fixture->store, &fixture->config);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm" };
	struct fixture *fixture = *state;
	size_t i;

	display_release(&fixture->display);
	store_close(fixture->store);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)unlink(arena_printf(&fixture->arena, "%s/%s",
					  fixture->folder, names[i]));
	(void)rmdir(fixture->folder);
	strbuf_release(&fixture->found);
	arena_release(&fixture->arena);
	mem_free(fixture);
	return 0;
}

/* --- searching --------------------------------------------------------- */

static int on_mv(void *data, const struct display_mv *object)
{
	struct fixture *fixture = data;

	strbuf_addf(&fixture->found, "%lld ", (long long)object->id);
	return 0;
}

static int on_cs(void *data, const struct display_cs *object)
{
	struct fixture *fixture = data;

	strbuf_addsv(&fixture->found,
		     object->anchor.len ? object->anchor : SV_LIT("-"));
	strbuf_addc(&fixture->found, ' ');
	return 0;
}

static void finds_mv(struct fixture *fixture, const char *text,
		     const char *expected)
{
	struct search_clause clause;
	struct search_query query = { .clauses = &clause, .clause_count = 1 };

	strbuf_reset(&fixture->found);
	assert_int_equal(search_clause_parse(sv_from(text), &clause), 1);
	assert_int_equal(search_mv(&fixture->display, &query, on_mv, fixture,
				   &fixture->err),
			 0);
	assert_string_equal(strbuf_cstr(&fixture->found), expected);
}

static void finds_cs(struct fixture *fixture, const char *state,
		     const char *name, const char *text, const char *expected)
{
	struct search_clause clause;
	struct search_query query = { .agent = "dir",
				      .state = state,
				      .name = sv_from(name),
				      .clauses = &clause };

	strbuf_reset(&fixture->found);
	if (text)
		query.clause_count =
			(size_t)search_clause_parse(sv_from(text), &clause);
	assert_int_equal(search_cs(&fixture->display, &query, on_cs, fixture,
				   &fixture->err),
			 0);
	assert_string_equal(strbuf_cstr(&fixture->found), expected);
}

static void clauses_are_parsed(void **state)
{
	static const struct {
		const char *text;
		enum search_op op;
		const char *attr;
		const char *value;
	} cases[] = {
		{ "a=b", SEARCH_EQUAL, "a", "b" },
		{ "a=", SEARCH_EQUAL, "a", "" },
		{ "a=b=c", SEARCH_EQUAL, "a", "b=c" },
		{ "First Name=b", SEARCH_EQUAL, "First Name", "b" },
		{ "a^=b", SEARCH_PREFIX, "a", "b" },
		{ "a~=b", SEARCH_CONTAINS, "a", "b" },
		{ "a!=b", SEARCH_NOT_EQUAL, "a", "b" },
		{ "a=*", SEARCH_PRESENT, "a", "*" },
		{ "a!=*", SEARCH_ABSENT, "a", "*" },
		{ "a^=*", SEARCH_PREFIX, "a", "*" },
	};
	struct search_clause clause;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(
			search_clause_parse(sv_from(cases[i].text), &clause),
			1);
		assert_int_equal(clause.op, cases[i].op);
		assert_true(sv_eq_str(clause.attr, cases[i].attr));
		assert_true(sv_eq_str(clause.value, cases[i].value));
	}
	assert_int_equal(search_clause_parse(SV_LIT("person"), &clause), 0);
	assert_int_equal(search_clause_parse(SV_LIT("=b"), &clause), 0);
	assert_int_equal(search_clause_parse(SV_LIT("!=b"), &clause), 0);
	assert_int_equal(search_clause_parse(SV_NULL, &clause), 0);
}

static void the_metaverse_by_clause(void **state)
{
	struct fixture *fixture = *state;

	finds_mv(fixture, "sn=lee", "1 ");
	finds_mv(fixture, "SN=LEE", "1 ");
	finds_mv(fixture, "sn!=lee", "2 3 ");
	finds_mv(fixture, "sn^=le", "1 3 ");
	finds_mv(fixture, "sn~=MAN", "3 ");
	/* case folding, not just lower case */
	finds_mv(fixture, "sn=STRASSER", "2 ");
	finds_mv(fixture, "badge=0200", "2 ");
	finds_mv(fixture, "badge=20", "");
	finds_mv(fixture, "boss=*", "2 3 ");
	finds_mv(fixture, "boss!=*", "1 ");
	finds_mv(fixture, "boss=mv 1", "2 3 ");
}

static void wrong_names_are_told(void **state)
{
	struct fixture *fixture = *state;
	struct search_clause clause = { SV_LIT("bagde"), SEARCH_PRESENT,
					SV_NULL };
	struct search_query query = { .clauses = &clause, .clause_count = 1 };

	assert_int_equal(search_mv(&fixture->display, &query, on_mv, fixture,
				   &fixture->err),
			 -1);
	assert_string_equal(fixture->err.msg,
			    "no attribute 'bagde': did you mean 'badge'?");
	query.clause_count = 0;
	query.type = "group";
	assert_int_equal(search_mv(&fixture->display, &query, on_mv, fixture,
				   &fixture->err),
			 -1);
	assert_int_equal(fixture->err.code, ERR_INVALID);
	query.agent = "nobody";
	assert_int_equal(search_cs(&fixture->display, &query, on_cs, fixture,
				   &fixture->err),
			 -1);
	assert_int_equal(fixture->err.code, ERR_NOTFOUND);
}

static void secrets_cannot_be_guessed(void **state)
{
	struct fixture *fixture = *state;
	struct search_clause clause = { SV_LIT("userpassword"), SEARCH_PREFIX,
					SV_LIT("h") };
	struct search_query query = { .clauses = &clause, .clause_count = 1 };

	assert_int_equal(search_mv(&fixture->display, &query, on_mv, fixture,
				   &fixture->err),
			 -1);
	assert_int_equal(fixture->err.code, ERR_UNSUPPORTED);
}

static void a_connector_space_by_state(void **state)
{
	struct fixture *fixture = *state;

	finds_cs(fixture, NULL, NULL, NULL, "lee miller novak ");
	finds_cs(fixture, "connector", NULL, NULL, "lee ");
	finds_cs(fixture, "disconnector", NULL, NULL, "miller ");
	finds_cs(fixture, "filtered", NULL, NULL, "novak ");
	finds_cs(fixture, "explicit", NULL, NULL, "");
	finds_cs(fixture, "pending-import", NULL, NULL, "miller ");
	finds_cs(fixture, "pending-export", NULL, NULL, "lee ");
	finds_cs(fixture, "awaiting", NULL, NULL, "");
	finds_cs(fixture, "error", NULL, NULL, "novak ");
	finds_cs(fixture, "placeholder", NULL, NULL, "- ");
}

static void a_connector_space_by_name_and_clause(void **state)
{
	struct fixture *fixture = *state;

	finds_cs(fixture, NULL, "CN=Miller, DC=x", NULL, "miller ");
	finds_cs(fixture, NULL, "novak", NULL, "novak ");
	finds_cs(fixture, NULL, "nobody", NULL, "");
	finds_cs(fixture, NULL, NULL, "dn=cn=novak,dc=X", "novak ");
	finds_cs(fixture, NULL, NULL, "anchor^=mil", "miller ");
	/* the expected view, not the image */
	finds_cs(fixture, NULL, NULL, "sn=lee-smith", "lee ");
	finds_cs(fixture, NULL, NULL, "sn=lee", "");
	finds_cs(fixture, NULL, NULL, "badge=*", "miller novak ");
	finds_cs(fixture, NULL, NULL, "boss=CN=lee,DC=X", "miller ");
}

static int check_parts(void *data, const struct display_cs *object)
{
	struct fixture *fixture = data;
	const struct display_change *change;

	strbuf_addsv(&fixture->found, object->dn);
	assert_int_equal(object->mv, 1);
	assert_string_equal(object->rule_set, "person");
	assert_string_equal(object->pending.operation, "update");
	assert_int_equal(object->pending.change_count, 2);
	change = &object->pending.changes[0];
	assert_string_equal(change->name, "sn");
	assert_true(sv_eq_str(change->before.at[0], "lee"));
	assert_true(sv_eq_str(change->after.at[0], "lee-smith"));
	change = &object->pending.changes[1];
	assert_string_equal(change->name, "badge");
	assert_int_equal(change->before.len, 1);
	assert_int_equal(change->after.len, 0);
	assert_string_equal(object->image.at[2].name, "userPassword");
	assert_true(sv_eq_str(object->image.at[2].values.at[0], "(secret)"));
	assert_null(object->import);
	assert_null(object->awaiting.operation);
	return 0;
}

static void an_object_with_its_parts(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(pending_scan(&fixture->display, PENDING_EXPORTS,
				      fixture->agent, check_parts, fixture,
				      &fixture->err),
			 0);
	assert_string_equal(strbuf_cstr(&fixture->found), "cn=lee,dc=x");
}

static void ids_as_people_write_them(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = 0;

	assert_string_equal(display_cs_id(CS_ID(2, 17), &fixture->arena),
			    "2:17");
	assert_int_equal(display_cs_id_parse(SV_LIT("2:17"), &id), 1);
	assert_true(id == CS_ID(2, 17));
	assert_int_equal(display_cs_id_parse(SV_LIT("2"), &id), 0);
	assert_int_equal(display_cs_id_parse(SV_LIT("0:1"), &id), 0);
	assert_int_equal(display_cs_id_parse(SV_LIT("70000:1"), &id), 0);
	assert_int_equal(display_cs_id_parse(SV_LIT("1:-1"), &id), 0);
	assert_int_equal(display_cs_id_parse(SV_LIT("1:1099511627776"), &id),
			 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clauses_are_parsed),
		TEST(the_metaverse_by_clause),
		TEST(wrong_names_are_told),
		TEST(secrets_cannot_be_guessed),
		TEST(a_connector_space_by_state),
		TEST(a_connector_space_by_name_and_clause),
		TEST(an_object_with_its_parts),
		TEST(ids_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
