"""Random configurations and random changes, of a few families.

SPDX-License-Identifier: Apache-2.0
"""
import rules as r
from config import After, Agent, Config, MvType, Provision, RuleSet

HR = ["id", "first", "last", "title", "dept", "status", "kind", "boss",
      "tags", "tel", "end"]
PHONE = ["no", "emp", "tel", "room", "kind", "tags"]
TEAMS = ["name", "members", "subs"]
EXT = ["id", "name", "boss", "tel", "kind", "tags"]
START = "2026-01-01T00:00:00Z"
DATES = ["", "2025-12-30T00:00:00Z", "2026-01-02T12:00:00Z",
         "2026-01-05T00:00:00Z", "2026-01-09T06:30:00Z"]
FIRST = ["Ann", "ann", "Bob", " Cy", "Cy", ""]
LAST = ["Lee", "Low", "lee", "Ng "]
TITLE = ["Clerk", "clerk", "Boss", "", "", "x"]
# No two that differ in case: which of them a set keeps is open.
TAGS = ["a", "b", "B2", "c", ""]
ATTRIBUTES = {
    "employeeID": {"type": "string", "index": "true"},
    "givenName": {"type": "string"}, "sn": {"type": "string"},
    "displayName": {"type": "string"}, "title": {"type": "string"},
    "department": {"type": "string"},
    "telephoneNumber": {"type": "string", "index": "true"},
    "room": {"type": "string"}, "active": {"type": "boolean"},
    "tags": {"type": "string", "multi": "true"},
    "login": {"type": "string"},
    "endDate": {"type": "datetime"},
    "manager": {"type": "reference"}}


GROUP_ATTRIBUTES = {
    "displayName": {"type": "string", "index": "true"},
    "member": {"type": "reference", "multi": "true"},
    "parts": {"type": "reference", "multi": "true"}}


def hr_row(random, anchor, ids):
    return {
        "id": anchor, "first": random.choice(FIRST),
        "last": random.choice(LAST), "title": random.choice(TITLE),
        "dept": random.choice(["IT", "HR", "it", ""]),
        "status": random.choice(["A", "A", "I", "a", ""]),
        "kind": random.choice(["staff"] * 4 + ["test", ""]),
        "boss": random.choice(ids + [""] * 4),
        "tags": ";".join(t for t in random.sample(TAGS, 2) if t),
        "tel": random.choice(["1", "2", "3", "", ""]),
        "end": random.choice(DATES)}


def phone_row(random, anchor, ids):
    return {"no": anchor, "emp": random.choice(ids + [""]),
            "tel": random.choice(["7", "8", "9", ""]),
            "room": random.choice(["r1", "R1", "r2", ""]),
            "kind": random.choice(["desk"] * 3 + ["fax"]),
            "tags": random.choice(["", "a", "x", "a;x"])}


def team_row(random, anchor, ids):
    members = random.sample(ids + ["X1"], random.choice([0, 1, 2, 4]))
    return {"name": anchor, "members": ";".join(members),
            "subs": ";".join(random.sample(GROUPS, random.choice(
                [0, 0, 1, 2])))}


def ext_row(random, anchor, ids):
    return {"id": anchor, "name": random.choice(LAST),
            "boss": random.choice(ids + ["", ""]),
            "tel": random.choice(["1", "2", "7", ""]),
            "kind": random.choice(["staff"] * 3 + ["test"]),
            "tags": random.choice(["", "b", "y"])}


def text_rule(random, *columns):
    a, b = random.choice(columns), random.choice(columns)
    return random.choice([
        lambda: r.attr(a), lambda: r.attr(a), lambda: r.trim(a),
        lambda: r.lower(a), lambda: r.upper(a), lambda: r.left(a, 2),
        lambda: r.concat(a, b), lambda: r.either(a, b),
        lambda: r.unless(a, "x"), lambda: r.or_stop(a),
        lambda: r.shout(a),
        lambda: r.or_ignore(a)])()


def flow(random, e, *columns):
    when = None
    if random.random() < .2:
        when = random.choice([
            r.present(random.choice(columns)),
            r.differs(random.choice(columns), "x")])
    return r.Flow(e, when=when, when_null=random.choice(
        [None, None, None, "next", "contribute", "ignore"]))


def flows(random, *columns):
    return [flow(random, text_rule(random, *columns), *columns)
            for _ in range(random.choice([1, 1, 1, 2]))]


TAG_COLUMN = {"type": "string", "multi": "true", "separator": ";"}


def boss(imports, kind):
    """The column of references; text where it is looked up."""
    if any(flow.lookup for flow in imports.get("manager", [])):
        return {}
    return {"boss": {"type": "reference", "to": kind}}


def manager(random):
    if random.random() < .3:
        return [r.Flow(r.attr("boss"), lookup="employeeID", of="person")]
    return [r.Flow(r.attr("boss", "reference"))]


def hr_agent(random, delta, merge, timed):
    imports = {
        "employeeID": [r.Flow(r.attr("id"))],
        "login": [r.Flow(r.lower_trim("last"))],
        "givenName": flows(random, "first"),
        "sn": flows(random, "last", "first"),
        "title": random.choice([flows(random, "title", "dept")] * 4 + [
            [flow(random, r.title_or_dept(), "dept")]]),
        "department": flows(random, "dept"),
        "telephoneNumber": flows(random, "tel"),
        "active": [r.Flow(r.equals("status", "A"))],
        "displayName": [r.Flow(r.concat("first", "last"))],
        "tags": [r.Flow(r.attr("tags"), merge=merge)],
        "manager": manager(random)}
    for name in random.sample(list(imports)[2:], random.randrange(4)):
        del imports[name]
    if timed:
        imports["endDate"] = [r.Flow(r.attr("end"))]
        if random.random() < .4:
            imports["active"] = [r.Flow(random.choice(
                [r.coming("end"), r.over("end", 2)]))]
    rs = RuleSet(
        "person", "person",
        declared={"tags": TAG_COLUMN, **boss(imports, "person"),
                  **({"end": {"type": "datetime"}} if timed else {})},
        filter=random.choice([[], [r.equals("kind", "test")],
                              [r.is_test()],
                              [r.equals("kind", "test"), r.absent("first")]]),
        project=random.choice([True, True, r.present("kind")]),
        imports=imports)
    rulesets = [rs]
    if random.random() < .25:
        rulesets.append(second_set(random, rs, imports))
    connect = {"path": "data/hr.csv", "anchor": "id"}
    if delta:
        connect["delta"] = {"path": "data/hr-delta.csv", "change": "change"}
    return Agent("hr", "csv", connect, rulesets, guards(random))


def second_set(random, first, imports):
    """Another rule set of the same type; the first has a scope now."""
    first.scope = random.choice([
        r.differs("dept", "HR"), r.present("kind"), r.equals("status", "A")])
    more = {name: imports[name] for name in imports
            if name == "employeeID" or random.random() < .6}
    return RuleSet(
        "other", "person", type="person", declared=first.declared,
        scope=random.choice([None, r.present("first")]),
        filter=random.choice([[], [r.equals("kind", "test")]]),
        project=random.choice([True, False, r.present("title")]),
        join=random.choice([[], [({"telephoneNumber": r.attr("tel")},
                                  None)]]),
        imports=more)


def teams_agent(random, delta):
    imports = {"displayName": [r.Flow(r.attr("name"))],
               "member": [r.Flow(r.attr("members"), lookup="employeeID",
                                 of="person")],
               "parts": [r.Flow(r.attr("subs", "reference"))]}
    rs = RuleSet("team", "group", project=True, imports=imports, declared={
        "members": TAG_COLUMN,
        "subs": {"type": "reference", "multi": "true", "separator": ";",
                 "to": "team"}})
    connect = {"path": "data/teams.csv", "anchor": "name"}
    if delta:
        connect["delta"] = {"path": "data/teams-delta.csv",
                            "change": "change"}
    return Agent("teams", "csv", connect, [rs])


def ext_agent(random, merge):
    imports = {"employeeID": [r.Flow(r.attr("id"))],
               "sn": flows(random, "name"),
               "login": [r.Flow(r.lower_trim("name"))],
               "telephoneNumber": flows(random, "tel"),
               "tags": [r.Flow(r.attr("tags"), merge=merge)],
               "manager": manager(random)}
    for name in random.sample(list(imports)[2:], random.randrange(3)):
        del imports[name]
    rs = RuleSet(
        "guest", "person",
        declared={"tags": TAG_COLUMN, **boss(imports, "guest")},
        filter=random.choice([[], [r.equals("kind", "test")]]),
        join=random.choice([[({"employeeID": r.attr("id")}, None)], [
            ({"telephoneNumber": r.attr("tel")}, None)]]),
        ambiguous=random.choice([None, "next", "stop", "error"]),
        project=random.choice([True, False, r.present("tel")]),
        imports=imports)
    return Agent("ext", "csv", {"path": "data/ext.csv", "anchor": "id"},
                 [rs])


def phone_joins(random):
    lines = [({"employeeID": r.attr("emp")}, random.choice(
        [None, None, r.present("tel")]))]
    if random.random() < .3:
        lines.append(({"telephoneNumber": r.attr("tel"), **random.choice(
            [{}, {"title": r.attr("room")}])}, random.choice(
                [None, r.absent("emp")])))
    return lines


def phone_agent(random, merge):
    imports = {"telephoneNumber": flows(random, "tel", "room"),
               "room": flows(random, "room")}
    if random.random() < .5:
        imports["title"] = flows(random, "room", "kind")
    if random.random() < .5:
        imports["tags"] = [r.Flow(r.attr("tags"), merge=merge)]
    rs = RuleSet("card", "person", declared={"tags": TAG_COLUMN},
                 ambiguous=random.choice([None, "next", "stop", "error"]),
                 resolve=random.choice([None, None, None, r.meets_mv(
                     "room", "title"), r.in_room()]),
                 filter=random.choice([[], [r.equals("kind", "fax")],
                                       [r.is_test()]]),
                 join=phone_joins(random),
                 imports=imports)
    return Agent("phone", "csv", {"path": "data/phone.csv", "anchor": "no"},
                 [rs])


def exports(random, names):
    out = {}
    for target, name in names.items():
        if random.random() < .3:
            continue
        if name in ("tags", "manager"):
            out[target] = r.Flow(r.attr(name), merge=random.choice(
                [None, None, "yes", "ignore-case"])
                if name == "tags" else None)
            continue
        e = random.choice([r.attr(name), r.attr(name), r.upper(name),
                           r.either(name, "employeeID"),
                           r.or_ignore(name)])
        out[target] = r.Flow(e, when=random.choice(
            [None, None, None, r.present("title")]),
            when_null=random.choice([None, None, "keep"]))
    return out


END = ",ou=u,dc=corp,dc=test"


def dir_names(random):
    """(dn, rename, further names)"""
    if random.random() < .4:
        return (r.wrap("uid=", r.attr("login"), END), random.random() < .6,
                random.choice([[], [second_name()], [second_name(),
                                                     numbered_name()],
                               [numbered_name()]]))
    name = random.choice([
        r.wrap("uid=", r.lower("employeeID"), ",dc=corp,dc=test"),
        r.wrap("cn=", r.attr("employeeID"), ",ou=p,dc=corp,dc=test")])
    return name, random.random() < .3, []


def second_name():
    return r.E(f'"uid=" & [login] & "." & Trim([title]) & "{END}"', lambda v:
               None if not v("login") or not r.text(
                   v.one("title")).strip() else
               f"uid={v.one('login')}.{v.one('title').strip()}{END}",
               ["login", "title"])


def numbered_name():
    return r.numbered(
        f'"uid=" & [login] & CStr($n) & "{END}"',
        lambda v, n: f"uid={r.text(v.one('login'))}{n}{END}", ["login"])


ADMINS = "ou=adm,dc=corp,dc=test"


def is_admin(wanted=True):
    text = f'InContainer([dn], "{ADMINS}")'
    return r.E(text if wanted else f"Not({text})", lambda v: (
        v.one("dn") or "").casefold().endswith("," + ADMINS) == wanted,
        ["dn"], "boolean")


def admin_set(random):
    """A second account of the same person."""
    return RuleSet(
        "admin", "person", type="inetOrgPerson", declared=DIR_DECLARED,
        scope=is_admin(),
        join=random.choice([[], [({"employeeID": r.attr("employeeNumber")},
                                  None)]]),
        provision=Provision(
            when=r.equals("title", random.choice(["Boss", "Clerk"])),
            require=["employeeID"],
            dn=r.wrap("cn=", r.attr("employeeID"), "," + ADMINS)),
        exports={"employeeNumber": r.Flow(r.attr("employeeID")),
                 **exports(random, {"sn": "sn", "manager": "manager"})},
        deprovision=random.choice([None, "delete", "disconnect"]))


def group_set(random):
    out = {"description": r.Flow(r.attr("displayName")),
           "member": r.Flow(r.attr("member"))}
    if random.random() < .7:
        out["seeAlso"] = r.Flow(r.attr("parts"))
    return RuleSet(
        "group", "group", type="groupOfNames",
        join=random.choice([[], [({"displayName": r.attr("description")},
                                  None)]]),
        provision=Provision(
            when=random.choice([None, None, r.present("member")]),
            require=["displayName"], dn=r.wrap(
                "cn=", r.attr("displayName"), ",ou=g,dc=corp,dc=test")),
        exports=out, deprovision=random.choice(["delete", "disconnect"]))


DIR_DECLARED = {"manager": {"type": "reference"},
                "tags": {"type": "string", "multi": "true"}}


def dir_agent(random, groups, timed):
    name, rename, more = dir_names(random)
    rs = RuleSet(
        "account", "person", type="inetOrgPerson",
        declared=DIR_DECLARED,
        join=random.choice([[], [({"employeeID": r.attr("employeeNumber")},
                                  None)]]),
        provision=Provision(
            when=random.choice([None, r.yes("active"), r.present("title"),
                                r.wanted()] + [r.coming("endDate"), r.over(
                                    "endDate", -3)] * 2 * timed),
            require=["employeeID"] + random.choice([[], ["sn"]])
            + ["login"] * ("login" in name.reads),
            existing=random.choice([None, None, "adopt"] + ["unique"] * len(more)),
            initial=random.choice([{}, {"roomNumber": r.attr("room")},
                                   {"title": r.constant("new")}]),
            dn=name, rename=rename, unique=more),
        exports={"employeeNumber": r.Flow(r.attr("employeeID")),
                 **exports(random, {
                     "givenName": "givenName", "sn": "sn",
                     "title": "title", "departmentNumber": "department",
                     "telephoneNumber": "telephoneNumber",
                     "tags": "tags", "manager": "manager"})},
        deprovision=random.choice([None, "delete", "delete", "disconnect",
                                   "explicit-disconnect", r.farewell(),
                                   r.one_of(
                                       r.present("title"), "delete",
                                       "disconnect")]))
    if timed and random.random() < .6:
        rs.deprovision = After(
            random.choice([1, 3]), random.choice(
                ["delete", "delete", "disconnect", "explicit-disconnect"]),
            random.choice([{}, {"title": r.Flow(r.constant("gone"))},
                           {"description": r.Flow(r.constant("left"))}]))
    rulesets = [rs]
    if random.random() < .25:
        if random.random() < .5:
            rulesets.insert(0, admin_set(random))
        else:
            rs.scope = is_admin(False)
            rulesets.append(admin_set(random))
    if groups:
        rulesets.append(group_set(random))
    connect = {"path": "out/dir.ldif"}
    if random.random() < .4:
        connect["changes"] = "out/log.ldif"
    elif random.random() < .4:
        connect["anchor"] = "entryUUID"
    return Agent("dir", "ldif", connect, rulesets,
                 guards(random))


def book_agent(random, timed):
    rs = RuleSet(
        "row", "person",
        declared={"boss": {"type": "reference", "to": "row"}},
        join=random.choice([[], [({"employeeID": r.attr("emp")}, None)]]),
        provision=Provision(
            when=random.choice([None, r.present("sn"), r.yes("active")]
                               + [r.coming("endDate")] * timed),
            require=["employeeID"],
            initial={"emp": r.attr("employeeID")}),
        exports=exports(random, {"name": "displayName", "job": "title",
                                 "boss": "manager"}),
        deprovision=random.choice(["delete", "delete", "disconnect", None]))
    return Agent("book", "csv", {"path": "out/book.csv", "anchor": "emp",
                                 "create": "yes"}, [rs], guards(random))


def deletion(random):
    return random.choice([None, "last", "projected", ["hr"],
                          ["hr", "phone"], {"any": ["hr", "phone"]},
                          "never", {"from": r.equals("title", "Boss")},
                          {"from": r.only_hr()}])


def guards(random):
    return {step: random.choice([0, 1, 2]) for step in ("import", "export")
            if random.random() < .15}


def configuration(random):
    merge = random.choice([None, None, "yes", "ignore-case"])
    timed = random.random() < .3
    agents = [hr_agent(random, random.random() < .5, merge, timed)]
    if random.random() < .7:
        agents.append(phone_agent(random, merge))
    if random.random() < .3:
        agents.append(ext_agent(random, merge))
    types = {"person": None}
    if random.random() < .35:
        agents.append(teams_agent(random, random.random() < .5))
        types["group"] = MvType(GROUP_ATTRIBUTES)
    if random.random() < .8:
        agents.append(dir_agent(random, "group" in types, timed))
    if random.random() < .5 or len(agents) == 1:
        agents.append(book_agent(random, timed))
    if random.random() < .3:
        random.shuffle(agents)
    names = [a.name for a in agents]
    delete = deletion(random)
    if isinstance(delete, list):
        delete = [n for n in delete if n in names]
    elif isinstance(delete, dict) and "any" in delete:
        delete = {"any": [n for n in delete["any"] if n in names]}
    precedence = {}
    if "phone" in names:
        for attribute in ("telephoneNumber", "title"):
            if random.random() < .5:
                precedence[attribute] = random.choice(
                    [["phone", "hr"], ["hr", "phone"], ["phone.card"]])
    # Runs are told apart by their time, which stands still when it is told.
    if not timed and random.random() < .3:
        last_writer_wins(random, agents, precedence)
    types["person"] = MvType(ATTRIBUTES, precedence, delete)
    config = Config(types, agents, provisioning=random.random() > .05)
    config.timed = timed
    return config


def last_writer_wins(random, agents, precedence):
    """An attribute whose values have one simple rule each."""
    attribute = random.choice(["telephoneNumber", "title"])
    precedence[attribute] = "equal"
    columns = {"hr": {"telephoneNumber": "tel", "title": "title"},
               "phone": {"telephoneNumber": "tel", "title": "room"},
               "ext": {"telephoneNumber": "tel"}}
    for agent in agents:
        for rs in agent.rulesets:
            if agent.name in columns and attribute in rs.imports:
                rs.imports[attribute] = [r.Flow(r.attr(
                    columns[agent.name][attribute]))]


COLUMNS = {"hr": HR, "phone": PHONE, "ext": EXT, "teams": TEAMS,
           "book": ["emp", "name", "job", "boss"]}
IDS = ["E1", "E2", "E3", "E4", "E5"]
CARDS = ["c1", "c2", "c3"]
GROUPS = ["T1", "T2", "T3"]


def row_change(random, agent, now):
    """A change of a source: (anchor, row or None)."""
    if agent == "hr":
        ids, make = IDS, hr_row
    elif agent == "ext":
        ids, make = IDS[3:] + ["X1", "X2"], ext_row
    elif agent == "teams":
        ids, make = GROUPS, team_row
    else:
        ids, make = CARDS, phone_row
    anchor = random.choice(ids)
    if anchor in now and random.random() < .3:
        return anchor, None
    row = make(random, anchor, IDS)
    if anchor in now:
        old = dict(now[anchor])
        for name in random.sample(list(row), min(
                len(row), random.choice([1, 1, 2, 4]))):
            if row[name] != anchor:
                old[name] = row[name]
        row = old
    return anchor, row


def foreign_change(random, config, agent, target):
    """Somebody else changes a target: (what, name, attributes)."""
    if agent == "book":
        keys = sorted(target.rows)
        if not keys or random.random() < .2:
            number = random.choice(IDS)
            return number, {"emp": number, "name": "foreign"}
        anchor = random.choice(keys)
        if random.random() < .4:
            return anchor, None
        return anchor, {random.choice(["name", "job"]):
                        random.choice(["foreign", ""])}
    keys = sorted(target.entries_)
    if not keys or random.random() < .3:
        number = random.choice(IDS)
        return random.choice([
            f"uid={number.lower()},dc=corp,dc=test",
            f"cn={number},ou=p,dc=corp,dc=test", f"uid=lee{END}",
            f"cn={number},{ADMINS}",
            f"uid=low{END}", f"uid=lee2{END}", f"cn=other{END}"]), {
                "employeeNumber": random.choice([[number], []]),
                "sn": [random.choice(LAST).strip() or "x"]}
    dn = random.choice(keys)
    if random.random() < .4:
        return dn, None
    if target.marked and random.random() < .4:
        number = random.randrange(1 << 20)
        return dn, {"#rename": f"cn=moved{number},dc=corp,dc=test"}
    if target.entries_[dn]["#kind"] == ["groupOfNames"]:
        return dn, {"member": random.sample(keys, 1)}
    return dn, {random.choice(["sn", "title", "givenName"]):
                random.choice([["foreign"], []])}


def sequence(random, config, length):
    """Steps that know nothing of what the engine makes of them."""
    steps = []
    rows = {"hr": {}, "phone": {}, "ext": {}, "teams": {}}
    sources = [a.name for a in config.agents if a.name in rows]
    for _ in range(length):
        for _ in range(random.choice([0, 1, 1, 2, 3])):
            agent = random.choice(sources)
            anchor, row = row_change(random, agent, rows[agent])
            if row is None:
                rows[agent].pop(anchor, None)
            else:
                rows[agent][anchor] = row
            steps.append(("row", agent, anchor, row))
        if random.random() < .15:
            steps.append(("foreign", random.randrange(1 << 30)))
        if random.random() < .06:
            agent = random.choice(config.agents)
            steps.append(("fail", agent.name, random.choice(
                ["full-import"] + ["export"] * 3 * agent.is_target)))
        if random.random() < .05:
            steps.append(("cut", random.choice(sources), random.randrange(8)))
        if config.timed and random.random() < .3:
            steps.append(("advance", random.choice([.3, 1, 2, 4])))
        dice = random.random()
        if dice < .25:
            steps.append(("cycle",))
        else:
            agent = random.choice(config.agents)
            profiles = ["full-import", "full-import-delta-sync",
                        "full-import-full-sync", "full-sync", "delta-sync"]
            if agent.is_target:
                profiles += ["export", "export"]
            if agent.delta:
                profiles += ["delta-import", "delta-import-delta-sync"] * 2
            steps.append((random.choice(["run"] * 3 + ["allow"])
                          if agent.guards else "run", agent.name,
                          random.choice(profiles)))
    steps.append(("converge",))
    return steps
