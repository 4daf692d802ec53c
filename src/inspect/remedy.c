/*
 * remedy.c - the table of what to do about errors, and what makes one cause
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inspect/remedy.h"

#include <string.h>

const struct remedy remedies[] = {
	{ "ambiguous",
	  "join the right one of the unlinked objects by hand (candidates, join), or remove the others" },
	{ "ambiguous-import-flow-from-multiple-connectors",
	  "two objects of one rule set match one person: see with explain which is right, disconnect the other or make the join rules stricter" },
	{ "ambiguous-join",
	  "candidates lists whom it may be; join it by hand, or add a clause or resolve to the join rules" },
	{ "cd-error",
	  "see the system's words in the message and its log, then errors retry" },
	{ "cd-existing-attribute-or-value",
	  "run an import of the agent: what it knows of the object is out of date" },
	{ "cd-existing-object",
	  "run a full-import of the agent; join the object that is there, or set existing: adopt or further names under unique" },
	{ "cd-missing-object",
	  "run an import of the agent: the object was removed or moved in the system" },
	{ "code-page-conversion",
	  "write the file in UTF-8 (encoding:), or keep the character out with a rule" },
	{ "conflicting-modification-types",
	  "correct the change in the source, or run a full-import" },
	{ "constraint-violation",
	  "make the rule keep to the system's limits; the message has its words" },
	{ "cs-attribute-type-mismatch",
	  "convert the value in the rule, or correct the attribute's type under attributes" },
	{ "dn-attributes-failure",
	  "export what it refers to first, or run an import of the agent when that was removed" },
	{ "duplicate-object",
	  "remove one of the rows or entries with this anchor from the source, or choose another anchor" },
	{ "existing-disconnector",
	  "join that object by hand, or delete it, or change its state with set-explicit --off" },
	{ "encryption-not-enabled",
	  "let the agent connect by ldaps://, or set security: starttls or sign-and-encrypt" },
	{ "exported-change-not-reimported",
	  "something else writes the attribute, or the system normalises it: see explain, then let the rule yield what the system keeps" },
	{ "extension-deprovisioning-invalid-result",
	  "correct the rule of deprovision" },
	{ "extension-join-resolution-index-out-of-bounds",
	  "correct the function of resolve" },
	{ "extension-projection-invalid-object-type",
	  "correct the rule of project: it must name one of the rule set's types" },
	{ "extension-projection-object-type-not-set",
	  "let the rule of project name a type, since the rule set has several" },
	{ "extension-provisioning-call-limit-reached",
	  "break the circle that the message shows: one of these rules must not depend on the other" },
	{ "extension-unexpected-attribute-value",
	  "correct the function that the message names" },
	{ "flow-multi-values-to-single-value",
	  "take one value in the rule (Item, Join), or declare the attribute multi" },
	{ "insufficient-columns",
	  "add the column to the file, or take the export rule away" },
	{ "invalid-attribute-value",
	  "correct the value in the source, or convert it in the rule" },
	{ "invalid-base64-value", "correct the value in the source" },
	{ "invalid-boolean-value",
	  "correct the value in the source, or declare the attribute a string and convert it in the rule" },
	{ "invalid-change-type",
	  "correct the change in the source, or run a full-import" },
	{ "invalid-dn", "escape names in the rule with EscapeDNComponent" },
	{ "invalid-modification-type",
	  "correct the change in the source, or run a full-import" },
	{ "invalid-numeric-value",
	  "correct the value in the source, or declare the attribute a string and convert it in the rule" },
	{ "invalid-reference-value", "correct the reference in the source" },
	{ "missing-anchor-component",
	  "give the object its anchor in the source" },
	{ "missing-change-type",
	  "correct the change in the source, or run a full-import" },
	{ "missing-dn", "correct the entry in the source" },
	{ "missing-object-type",
	  "fill the column that names the type in the source" },
	{ "missing-parent",
	  "make the container in the system and import it, set parents: create, or correct the rule of dn" },
	{ "missing-provisioning-attribute",
	  "add candidates under unique, or values that they are made of (require waits for these)" },
	{ "modify-naming-attribute",
	  "leave the naming attribute to the rule of dn: take its export rule away" },
	{ "multi-single-mismatch",
	  "correct the source, or declare the attribute multi" },
	{ "multi-valued-anchor-component",
	  "leave the object one value of its anchor in the source" },
	{ "name-taken",
	  "the next import that tells the object's new name, or a full-import, settles it" },
	{ "need-full-object", "run a full-import of the agent" },
	{ "no-export-to-this-object-type",
	  "take the rule set's export and provision away, or describe the type under connect" },
	{ "non-existent-parent",
	  "make the container in the system and run an import of the agent, or set parents: create" },
	{ "object-already-exists",
	  "join the object that is there, set existing: adopt, or add further names under unique" },
	{ "parse-error", "correct the row or entry in the source" },
	{ "password-policy-violation",
	  "let the rule make a password that the system's policy takes; the message has its words" },
	{ "permission-issue",
	  "give the agent's account the right, or keep the object out of its scope" },
	{ "projection-error", "correct the rule of project" },
	{ "read-error", "see the system's log, then run the import again" },
	{ "reference-value-not-ldap-conformant",
	  "correct the reference in the source" },
	{ "rename-to-existing-dn",
	  "run a full-import of the agent; free the name in the system, or add further names under unique" },
	{ "rule-error",
	  "correct the rule that the message names, or the value that it fails of; preview shows the rest" },
	{ "schema-violation",
	  "give the object what its class demands, or take away what it does not allow; the message has the system's words" },
	{ "unexpected-error",
	  "see the message and the system's log, then errors retry" },
	{ "unsupported-value-type",
	  "leave the attribute out, or convert it in the rule" },
	{ NULL, NULL },
};

const char *remedy_find(struct sv code)
{
	const struct remedy *remedy;

	for (remedy = remedies; remedy->code; remedy++)
		if (sv_eq_str(code, remedy->code))
			return remedy->text;
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct sv remedy_pattern(struct sv message, struct arena *arena)
{
	char *out = arena_alloc(arena, message.len + 1);
	size_t len = 0;
	size_t i = 0;

	while (i < message.len) {
		char c = message.ptr[i];
		size_t end;

		out[len++] = c;
		i++;
		if (c == '\'') {
			end = sv_find(message, '\'', i);
			if (end < message.len)
				i = end;
		} else if (is_digit(c)) {
			out[len - 1] = '#';
			while (i < message.len && is_digit(message.ptr[i]))
				i++;
		}
	}
	return sv_make(out, len);
}
