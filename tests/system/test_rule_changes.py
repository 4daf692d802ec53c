"""After a change of rules delta synchronizations end where full ones do.

A small company, rules chosen at random, a random change of some of them; then
one copy of the folder is synchronized by deltas, another one fully. What the
metaverse and the connector spaces hold and what is pending must be the same.
CONJOIN_SEED and CONJOIN_ROUNDS choose other companies, and more of them.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import random
import shutil
import sqlite3

import pytest

from helpers import Folder

FIRST = int(os.environ.get("CONJOIN_SEED", "1"))
ROUNDS = int(os.environ.get("CONJOIN_ROUNDS", "10"))
AGENTS = ("hr", "phone", "dir", "list")

# What may be chosen. None: the rule is not there.
CHOICES = {
    "order": ["hr, phone, dir, list", "phone, hr, dir, list"],
    "provisioning": ["on", "on", "on", "off"],
    "suffix": ["Ltd", "Inc"],
    "countries": ["Germany", "Deutschland"],
    "precedence": [None, "[phone, hr]", "[hr, phone]", "equal"],
    "phones merge": [None, "yes"],
    "mail match": ["ignore-case", "exact"],
    "mail index": ["false", "true"],
    "key": ["LCase(Word([mail], 1, \"@\"))", "LCase([mail])"],
    "delete": ["[hr]", "last", "projected", "never"],
    "title type": ["string", "[string]"],

    "hr order": ["staff first", "staff last", "staff only"],
    "hr scope": ["[kind] = \"S\"", "[kind] <> \"X\"", None],
    "hr was": [False, False, True],
    "hr filter": [None, "[status] = \"T\"", "[dept] = \"Sales\""],
    "hr join": ["employeeID: id", "mail: mail", None],
    "hr project": ["true", "true", "[dept] <> \"IT\"", "[dept] <> \"HR\"",
                   "false"],
    "hr name": ["[first] & \" \" & [last]", "UCase([last])",
                "[first] & %Suffix%", "Coalesce([nick], [first])"],
    "hr title": ["title", None, "{ from: title, when_null: contribute }",
                 "{ from: title, when: '[dept] = \"IT\"' }",
                 "{ value: Person }"],
    "hr phone": ["mobile", "[ mobile, desk ]", "desk", None,
                 "{ from: mobile, when_null: ignore }"],
    "hr manager": ["boss", None, "{ lookup: mail, of: person, from: "
                   "'[bossmail]' }"],
    "hr country": ["'Lookup(\"countries\", [country], \"name\")'",
                   "country", None],

    "phone join": ["employeeID: id", "mailLocal: login", "mail: mail"],
    "phone ambiguous": ["stop", "next", "error"],
    "phone project": ["false", "true"],
    "phone filter": [None, "IsNullOrEmpty([mail])"],
    "phone number": ["number", "'\"+\" & [number]'", None],

    "dir when": [None, "[department] <> \"Sales\"",
                 "IsPresent([mail])", "[employeeID] < \"7\""],
    "dir require": ["[displayName]", "[displayName, mail]"],
    "dir dn": ["\"uid=\" & [employeeID] & \",o=x\"",
               "\"uid=\" & [employeeID] & \",ou=\" & "
               "Coalesce([department], \"none\") & \",o=x\""],
    "dir rename": ["true", "false"],
    "dir title": ["title", None, "{ from: title, when_null: keep }",
                  "'UCase([displayName])'"],
    "dir phone": ["telephoneNumber", "{ from: telephoneNumber, merge: yes }",
                  None],
    "dir manager": ["manager", None],
    "dir country": ["country", "'[country] & %Suffix%'", None],
    # not `disconnect`: a full synchronization tries all normal disconnectors
    "dir deprovision": ["delete", "explicit-disconnect",
                        "{ after: 30 days, then: delete, meanwhile: "
                        "{ title: { value: gone } } }",
                        "{ after: 60 days, then: explicit-disconnect }",
                        "{ from: 'IIF(IsPresent([mail]), \"delete\", "
                        "\"explicit-disconnect\")' }"],
    "dir scope": [None, "Not([employeeNumber] = \"3\")"],

    "list": ["there", "there", "gone"],
    "list when": [None, "[department] = \"IT\""],
    "list name": ["displayName", "'LCase([displayName])'"],
}


def choose(rng):
    return {name: rng.choice(options) for name, options in CHOICES.items()}


def changed(rng, rules):
    """Some of the rules in another way."""
    rules = dict(rules)
    names = rng.sample(sorted(CHOICES), rng.choice([1, 1, 2, 3]))
    for name in names:
        rules[name] = rng.choice([option for option in CHOICES[name]
                                  if option != rules[name]])
    return rules, names


def line(key, value, quote=False):
    if value is None:
        return ""
    return f"      {key}: '{value}'\n" if quote else f"      {key}: {value}\n"


def conjoin_yaml(rules):
    agents = rules["order"]
    searched = any("mail: mail" in text or "lookup: mail" in text for text in
                   (rules["hr join"] or "", rules["phone join"],
                    rules["hr manager"] or ""))
    if rules["list"] == "gone":
        agents = agents.replace(", list", "")
    precedence = rules["precedence"]
    return f"""conjoin: 1
agents: [{agents}]
provisioning: {rules["provisioning"]}
parameters: {{ Suffix: {rules["suffix"]} }}
guards: {{ import: {{ deletions: off, empty: allow }}, \
export: {{ deletions: off }} }}
metaverse:
  person:
    attributes:
      employeeID: {{ type: string, index: true }}
      displayName: string
      department: string
      mail: {{ type: string, match: {rules["mail match"]}, \
index: {"true" if searched else rules["mail index"]} }}
      telephoneNumber: string
      phones: [string]
      title: {rules["title type"]}
      country: string
      manager: reference
    keys: {{ mailLocal: '{rules["key"]}' }}
    delete: {{ when: {rules["delete"]} }}
    precedence:
      displayName: [hr, phone]
{line("telephoneNumber", precedence)}"""


def hr_rule_set(rules, name, scope, was):
    merge = rules["phones merge"]
    phones = f"{{ from: desk, merge: {merge} }}" if merge else "desk"
    text = f"  {name}:\n    type: person\n    metaverse: person\n"
    if was:
        text += f"    was: {was}\n"
    text += """    attributes:
      boss: { type: reference, to: person }
      mobile: string
      desk: string
      bossmail: string
      nick: string
      country: string
      title: string
"""
    if scope:
        text += f"    scope: '{scope}'\n"
    if rules["hr filter"]:
        text += f"    filter: ['{rules['hr filter']}']\n"
    if rules["hr join"]:
        text += f"    join: [ {{ {rules['hr join']} }} ]\n"
    text += f"    project: '{rules['hr project']}'\n" \
        "    import:\n      employeeID: id\n      department: dept\n" \
        f"      mail: mail\n      phones: {phones}\n"
    return text + line("displayName", rules["hr name"], True) \
        + line("title", rules["hr title"]) \
        + line("telephoneNumber", rules["hr phone"]) \
        + line("manager", rules["hr manager"]) \
        + line("country", rules["hr country"])


def hr_yaml(rules, renamed):
    staff = hr_rule_set(rules, "people" if renamed else "staff",
                        rules["hr scope"], "staff" if renamed else None)
    rest = hr_rule_set(rules, "rest", None, None)
    parts = {"staff first": staff + rest, "staff last": rest + staff,
             "staff only": staff}
    return "type: csv\nconnect: { path: data/hr.csv, anchor: id }\n" \
        "objects:\n" + parts[rules["hr order"]]


def phone_yaml(rules):
    merge = rules["phones merge"]
    text = f"""type: csv
connect: {{ path: data/phone.csv, anchor: number }}
objects:
  entry:
    metaverse: person
    attributes: {{ login: string, mail: string, id: string }}
    join: [ {{ {rules["phone join"]} }} ]
    ambiguous: {rules["phone ambiguous"]}
    project: '{rules["phone project"]}'
"""
    if rules["phone filter"]:
        text += f"    filter: ['{rules['phone filter']}']\n"
    phones = f"{{ from: number, merge: {merge} }}" if merge else "number"
    return text + "    import:\n      displayName: login\n" \
        f"      phones: {phones}\n" \
        + line("telephoneNumber", rules["phone number"])


def dir_yaml(rules):
    text = """type: ldif
connect: { path: out/dir.ldif, anchor: entryUUID }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    attributes: { title: [string], telephoneNumber: [string], c: string, \
displayName: string, manager: reference, employeeNumber: string }
    join: [ { employeeID: employeeNumber } ]
"""
    text = text.replace(", anchor: entryUUID", "")
    if rules["dir scope"]:
        text += f"    scope: '{rules['dir scope']}'\n"
    text += "    provision:\n"
    text += line("when", rules["dir when"], True)
    text += line("require", rules["dir require"])
    text += line("dn", rules["dir dn"], True)
    text += line("rename", rules["dir rename"])
    text += "    export:\n      employeeNumber: employeeID\n" \
        "      displayName: displayName\n"
    return text + line("title", rules["dir title"]) \
        + line("telephoneNumber", rules["dir phone"]) \
        + line("manager", rules["dir manager"]) \
        + line("c", rules["dir country"]) \
        + f"    deprovision: {rules['dir deprovision']}\n"


def list_yaml(rules):
    text = """type: csv
connect: { path: out/list.csv, anchor: id }
objects:
  row:
    metaverse: person
    attributes: { name: string }
    join: [ { employeeID: id } ]
    provision:
      initial: { id: employeeID }
      require: [employeeID]
"""
    return text + line("when", rules["list when"], True) \
        + f"    export: {{ name: {rules['list name']} }}\n" \
        "    deprovision: delete\n"


def write_rules(folder, rules, renamed=False):
    folder.write("conjoin.yaml", conjoin_yaml(rules))
    folder.write("agents/hr.yaml", hr_yaml(rules, renamed))
    folder.write("agents/phone.yaml", phone_yaml(rules))
    folder.write("agents/dir.yaml", dir_yaml(rules))
    folder.write("agents/list.yaml", list_yaml(rules))
    folder.write("tables/countries.csv",
                 f"code,name\nDE,{rules['countries']}\nIT,Italy\n")


def write_people(folder, rng):
    rows = ["id,first,last,nick,dept,title,kind,status,mail,mobile,desk,"
            "boss,bossmail,country"]
    phones = ["number,login,mail,id"]
    for number in range(1, 13):
        blank = rng.random
        rows.append(",".join([
            str(number), f"First{number}", f"Last{number}",
            f"Nick{number}" if blank() < .3 else "",
            rng.choice(["IT", "Sales", "HR"]),
            rng.choice(["Boss", "Chemist", ""]),
            rng.choice(["S", "S", "E", "X"]), rng.choice(["A", "A", "A", "T"]),
            f"P{number}@x.test" if blank() < .8 else "",
            f"01{number}" if blank() < .6 else "",
            f"02{number}" if blank() < .6 else "",
            str(rng.randint(1, 12)) if blank() < .7 else "",
            f"p{rng.randint(1, 12)}@x.test" if blank() < .7 else "",
            rng.choice(["DE", "IT", "FR", ""])]))
    for number in range(1, 11):
        mail = f"p{number}" + ("@x.test" if rng.random() < .8 else "")
        phones.append(f"9{number},{mail.split('@')[0]},"
                      f"{mail if '@' in mail else ''},"
                      f"{number if rng.random() < .7 else ''}")
    folder.write("data/hr.csv", "\n".join(rows) + "\n")
    folder.write("data/phone.csv", "\n".join(phones) + "\n")


def labels(folder):
    """Names that do not depend on the order in which numbers were given."""
    found = {}
    for obj in folder.json("search", "mv", "person")["objects"]:
        values = obj["attributes"]
        found[obj["id"]] = "mv " + "/".join(
            values.get(name, ["-"])[0] for name in
            ("employeeID", "displayName", "mail"))
    return found


def state(folder, agents):
    """All that counts, told without numbers."""
    names = labels(folder)
    numbers = {f"mv {number}": name for number, name in names.items()}
    seen = {"mv": sorted(
        repr((sorted((name, sorted(numbers.get(value, value)
                                   for value in values))
                     for name, values in obj["attributes"].items()),
              sorted((c["agent"], c["rule_set"], c["anchor"], c["dn"])
                     for c in obj["connectors"])))
        for obj in folder.json("search", "mv", "person")["objects"])}
    for agent in agents:
        objects = folder.json("search", "cs", agent)["objects"]
        seen[agent] = sorted(repr((
            obj["dn"], obj["anchor"], obj["state"], obj["rule_set"],
            names.get(obj["mv"]), obj["attributes"], obj["pending_export"],
            (obj["error"] or {}).get("code"))) for obj in objects)
    return seen


def agents_of(rules):
    return [agent for agent in AGENTS
            if agent != "list" or rules["list"] == "there"]


def synchronize(folder, agents, kind):
    for _ in range(3):
        for agent in agents:
            done = folder.conjoin("run", agent, kind, "--json")
            assert done.status in (0, 1), f"{agent} {kind}: {done}"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_delta_ends_where_full_does(tmp_path, seed):
    rng = random.Random(seed)
    folder = Folder(tmp_path / "delta")
    rules = choose(rng)
    if seed % 2:
        rules["provisioning"] = "on"
    write_people(folder, rng)
    write_rules(folder, rules)
    checked = folder.conjoin("check", "--json")
    assert checked.status == 0, f"seed {seed}: {checked}"
    for _ in range(2):
        folder.conjoin("cycle", "--json")
    synchronize(folder, agents_of(rules), "full-sync")
    for step in range(3):
        new, names = changed(rng, rules)
        renamed = new["hr was"]
        write_rules(folder, new, renamed)
        what = f"seed {seed} step {step}: " + "; ".join(
            f"{name}: {rules[name]} -> {new[name]}" for name in names)
        print(what)
        full = Folder(tmp_path / f"full{step}")
        shutil.copytree(folder.path, full.path)
        agents = agents_of(new)
        synchronize(folder, agents, "delta-sync")
        synchronize(full, agents, "full-sync")
        found = state(folder, agents)
        wanted = state(full, agents)
        for part, expected in wanted.items():
            assert found[part] == expected, \
                f"{what}\n{part}:\n" + json.dumps(
                    {"only by deltas": sorted(set(found[part])
                                              - set(expected)),
                     "only fully": sorted(set(expected)
                                          - set(found[part]))}, indent=1)
        rules = new
        if rng.random() < .5:
            folder.conjoin("cycle", "--json")
            synchronize(folder, agents, "full-sync")


def test_rules_that_were_never_recorded(tmp_path):
    """A store of an earlier version: everything is looked at, once."""
    rng = random.Random(FIRST)
    folder = Folder(tmp_path)
    rules = choose(rng)
    rules.update({"provisioning": "on", "dir country": None,
                  "hr country": None, "hr filter": None, "hr project": "true",
                  "dir when": None, "dir require": "[displayName]",
                  "hr name": "UCase([last])"})
    write_people(folder, rng)
    write_rules(folder, rules)
    for _ in range(2):
        folder.conjoin("cycle", "--json")
    with sqlite3.connect(tmp_path / "state/conjoin.db") as store:
        store.execute("DELETE FROM rules_used")
        store.execute("DELETE FROM meta WHERE key = 'rules'")
    store.close()
    rules["dir country"] = "'[department] & %Suffix%'"
    write_rules(folder, rules)
    done = folder.json("run", "hr", "delta-sync", status=0)
    assert "last synchronization are not known" in done["warnings"][0]
    assert done["steps"][-1]["outbound"]["dir"]["connector-flow"] > 0
    assert not folder.json("run", "hr", "delta-sync")["warnings"]
