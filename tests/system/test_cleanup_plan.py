"""cleanup: what was decided in a file becomes a plan, is applied, undone.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import io

import pytest

from helpers import Folder
from test_cleanup import FILES, ldif, user

COLUMNS = ["distinguishedName", "commonName", "objectClass", "attribute",
           "error", "value", "update", "action", "set", "anchor", "agent",
           "checks"]
MAIL = "proxyAddresses"


class Review(Folder):
    def begin(self, *objects):
        self.write("ad.ldif", ldif(objects))
        self.ok("run", "ad", "full-import")

    def review(self, *words):
        """The rows of a new file to decide in."""
        self.ok("cleanup", "ad", "--review", self.path / "r.csv", *words)
        text = (self.path / "r.csv").read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))

    def decide(self, rows, encoding="utf-8", **dialect):
        """A file with these rows; what is not said is as the object has
        it."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, **dialect)
        writer.writeheader()
        writer.writerows(rows)
        self.write("r.csv", text.getvalue(), encoding)

    def plan(self, *words, status=0):
        found = self.json("cleanup", "ad", "--from", self.path / "r.csv",
                          "--out", self.path / "a.plan", *words,
                          status=status)
        assert "edits" not in found and "checks" not in found
        return ({(obj["dn"].split(",")[0][3:], name):
                 (change["old"], change["new"])
                 for obj in found["objects"]
                 for name, change in obj["attributes"].items()},
                [item["why"] for item in found["conflicts"]])

    def apply(self, status=0):
        return self.ok("apply", self.path / "a.plan", status=status)

    def values(self, cn, name):
        found = self.ldif("ad.ldif").entry(f"cn={cn},dc=x")
        return sorted(found.get(name.lower(), []))

    def last_run(self, profile):
        return max(run["run"] for run in self.json("runs")["runs"]
                   if run["profile"] == profile)


@pytest.fixture
def company(tmp_path):
    folder = Review(tmp_path)
    for name, text in FILES.items():
        folder.write(name, text)
    return folder


def row(cn, attribute, value, update, action="EDIT", kind="user"):
    return {"distinguishedName": f"cn={cn},dc=x", "commonName": cn,
            "objectClass": kind, "attribute": attribute, "error": "",
            "value": value, "update": update, "action": action, "set": "",
            "anchor": f"cn={cn},dc=x", "agent": "ad", "checks": "idfix"}


def test_found_decided_written_undone(company):
    company.begin(user("one", mailNickname=".one",
                       proxyAddresses=["smtp:a b@x.com", "SMTP:c@x.com"]),
                  user("two", mailNickname="one", targetAddress="x y"))
    rows = company.review()
    assert list(rows[0]) == COLUMNS
    assert [(r["commonName"], r["attribute"], r["update"], r["action"])
            for r in rows] == [
                ("one", "mailNickname", "one", "EDIT"),
                ("one", MAIL, "smtp:ab@x.com", "EDIT"),
                ("two", "mailNickname", "", "EDIT"),
                ("two", "targetAddress", "xy", "EDIT")]
    rows[2]["update"] = "two"
    rows[3]["action"] = "remove"
    company.decide(rows)
    before = company.read("ad.ldif")
    planned, left = company.plan()
    assert planned == {
        ("one", "mailNickname"): ([".one"], ["one"]),
        ("one", MAIL): (["smtp:a b@x.com", "SMTP:c@x.com"],
                        ["SMTP:c@x.com", "smtp:ab@x.com"]),
        ("two", "mailNickname"): (["one"], ["two"]),
        ("two", "targetAddress"): (["x y"], [])}
    assert not left
    assert company.read("ad.ldif") == before
    shown = company.ok("plan", "show", company.path / "a.plan").out
    assert "because of cleanup" in shown
    company.apply()
    assert "was applied already" in company.apply(status=2).err
    assert company.values("one", MAIL) == ["SMTP:c@x.com", "smtp:ab@x.com"]
    assert company.values("two", "mailNickname") == ["two"]
    assert not company.values("two", "targetAddress")
    run = company.last_run("export")
    edited = company.json("runs", company.last_run("cleanup"), "edited")
    assert edited["count"] == 2
    assert not company.json("cleanup", "ad")["rows"]
    company.ok("cycle")
    assert not company.json("cleanup", "ad")["rows"]
    assert company.json("runs", company.last_run("full-import")
                        )["steps"][0]["counters"]["stage-update"] == 2
    entry = next(e for e in company.json("audit", "show")["entries"]
                 if e["command"].startswith("apply"))
    assert entry["result"] == "success"
    company.ok("undo", run, "--out", company.path / "an.undo")
    company.ok("apply", company.path / "an.undo")
    assert company.values("one", MAIL) == ["SMTP:c@x.com", "smtp:a b@x.com"]
    assert company.values("two", "targetAddress") == ["x y"]
    assert not company.json("pending", "--held")["held"]
    company.ok("cycle")
    assert company.values("one", "mailNickname") == [".one"]


def test_what_is_left_out(company):
    company.begin(user("one", mail="a@x.com", mailNickname="n",
                       proxyAddresses=["smtp:a@x.com", "smtp:b@x.com"]),
                  user("two", mail="b@x.com"))
    rows = [
        row("one", "mail", "old@x.com", "new@x.com"),
        row("one", MAIL, "smtp:c@x.com", "", "REMOVE"),
        row("none", "mail", "a@x.com", "b@x.com"),
        row("one", "mailNickname", "n", "", "EDIT"),
        row("one", "displayName", "one", "one"),
        row("one", "givenName", "", "", "REMOVE"),
        row("one", "sAMAccountName", "sam", "s"),
        row("one", "cn", "one", "eins"),
        row("one", "noSuch", "", "x"),
        row("one", MAIL, "smtp:a@x.com", "smtp:d@x.com"),
        row("one", MAIL, "smtp:a@x.com", "smtp:e@x.com"),
        row("two", "mail", "b@x.com", "b2@x.com", "COMPLETE"),
        row("two", "mail", "b@x.com", "b2@x.com", ""),
    ]
    company.decide(rows)
    planned, left = company.plan(status=1)
    assert planned == {("one", MAIL): (["smtp:a@x.com", "smtp:b@x.com"],
                                       ["smtp:b@x.com", "smtp:d@x.com"])}
    assert left == [
        "mail 'old@x.com': it has changed since: it is 'a@x.com'",
        f"{MAIL} 'smtp:c@x.com': it has changed since: it is "
        "'smtp:a@x.com' and others",
        "mail 'a@x.com': there is no object of this type with the anchor "
        "'cn=none,dc=x'",
        "mailNickname 'n': there is nothing to write; a value is taken away "
        "with REMOVE",
        "displayName 'one': the update is the value that it has",
        "givenName '': there is no value to remove",
        "sAMAccountName 'sam': it has changed since: it is nothing",
        "cn 'one': cn is the name in its DN: rename the object in its system",
        "noSuch '': no object has such an attribute",
        f"{MAIL} 'smtp:a@x.com': line 11 is about the same value"]
    shown = company.ok("cleanup", "ad", "--from", company.path / "r.csv",
                       status=1).out
    assert ("of 13 rows: 9 EDIT, 2 REMOVE, 1 COMPLETE, 1 without an action; "
            "10 left out") in shown


def test_new_values_are_checked_beside_all_others(company):
    """One that is taken is left out, and who relied on it too."""
    company.begin(user("one", mailNickname="a"),
                  user("two", mailNickname="b"),
                  user("three", mailNickname="c"),
                  user("four", mailNickname="d"),
                  user("five", mailNickname="e"))
    company.decide([row("one", "mailNickname", "a", "B"),
                    row("two", "mailNickname", "b", "c"),
                    row("three", "mailNickname", "c", "..c"),
                    row("four", "mailNickname", "d", "e"),
                    row("five", "mailNickname", "e", "f"),
                    row("five", "displayName", "five", "", "REMOVE")])
    planned, left = company.plan(status=1)
    assert planned == {("four", "mailNickname"): (["d"], ["e"]),
                       ("five", "mailNickname"): (["e"], ["f"])}
    assert left == [
        "mailNickname 'a': 'B' would be wrong: Duplicate",
        "mailNickname 'b': 'c' would be wrong: Duplicate",
        "mailNickname 'c': '..c' would be wrong: Duplicate, Character",
        "displayName 'five': without it there is none: Blank"]
    planned, left = company.plan("--accept-wrong")
    assert len(planned) == 6 and not left
    found = company.json("plan", "show", company.path / "a.plan")
    assert "cn=three,dc=x: mailNickname is wrong: Duplicate, Character" in \
        found["warnings"], found
    company.apply()
    assert company.values("three", "mailNickname") == ["..c"]


def test_same_value_twice_in_one_file(company):
    company.begin(user("one", mail="a @x.com"), user("two", mail="b @x.com"))
    company.decide([row("one", "mail", "a @x.com", "c@x.com"),
                    row("two", "mail", "b @x.com", "c@x.com")])
    planned, left = company.plan(status=1)
    assert not planned and len(left) == 2
    company.apply()
    assert company.values("one", "mail") == ["a @x.com"]


def test_a_value_more_and_one_that_is_there_already(company):
    company.begin(user("one", proxyAddresses=["smtp:a b@x.com",
                                              "smtp:ab@x.com"]),
                  ("two", "user", {}))
    company.decide([row("one", MAIL, "smtp:a b@x.com", "smtp:ab@x.com"),
                    row("two", "displayName", "", "Two")])
    planned, _ = company.plan()
    assert planned == {
        ("one", MAIL): (["smtp:a b@x.com", "smtp:ab@x.com"],
                        ["smtp:ab@x.com"]),
        ("two", "displayName"): ([], ["Two"])}
    company.apply()
    assert company.values("one", MAIL) == ["smtp:ab@x.com"]
    company.ok("cycle")


@pytest.mark.parametrize("encoding, dialect", [
    ("utf-8", {"lineterminator": "\n"}),
    ("utf-8-sig", {"delimiter": ";", "lineterminator": "\r\n"}),
    ("utf-16", {"delimiter": "\t", "quoting": csv.QUOTE_ALL}),
])
def test_what_spreadsheets_make_of_the_file(company, encoding, dialect):
    """Formulas, quotes, line ends inside and around values."""
    odd = ['=HYPERLINK("x")', "+49 1", "-1", "@x", "'=quoted", "''", 'a;b,"c"',
           "zwei\nzeilen", "ümlaut "]
    company.begin(*(user(f"u{i}", givenName=text * 40)
                    for i, text in enumerate(odd)))
    rows = company.review()
    assert rows[0]["value"].startswith("'=")
    assert [r["value"][:1] for r in rows[:6]] == ["'"] * 6
    for found in rows:
        found["action"] = "EDIT"
    rows[0]["update"] = "'=1+1"
    company.decide(rows + [{}], encoding, **dialect)
    planned, left = company.plan()
    assert not left
    assert len(planned) == len(rows)
    assert planned["u0", "givenName"] == ([odd[0] * 40], ["=1+1"])
    assert planned["u4", "givenName"] == ([odd[4] * 40], [(odd[4] * 40)[:63]])
    company.apply()
    assert company.values("u7", "givenName") == [(odd[7] * 40)[:63]]


@pytest.mark.parametrize("change, complaint", [
    (("update", "Update"), ":1: column 7 is not 'update': only what stands in "
     "'update' and 'action' may be changed"),
    ((",checks", ",checks,mine"), ":1: there are more columns than 12"),
    ((",ad,idfix", ",ad"), ":2: 11 columns instead of 12"),
    (("EDIT", "EDTI"), ":2: 'EDTI' is no action: EDIT, REMOVE, COMPLETE, or "
     "nothing"),
    (("ad,idfix", "hr,idfix"), "is about values of agent 'hr', not of 'ad'"),
    (("ad,idfix", "ad,idfx"), "neither a file nor checks called 'idfx'"),
    ((".one", '".o\n'), ":2: "),
])
def test_a_file_that_is_not_as_it_was_made(company, change, complaint):
    company.begin(user("one", mailNickname=".one"))
    company.review()
    company.replace("r.csv", *change)
    done = company.ok("cleanup", "ad", "--from", company.path / "r.csv",
                      "--out", company.path / "a.plan", status=2)
    assert complaint in done.err, done
    assert not (company.path / "a.plan").exists()


def test_a_file_in_another_encoding(company):
    company.begin(user("one", mailNickname=".one"))
    rows = company.review()
    rows[0]["update"] = "ä"
    company.decide(rows, "latin-1")
    assert ":2: 'update' is not UTF-8: save the file as 'CSV UTF-8'" in \
        company.ok("cleanup", "ad", "--from", company.path / "r.csv",
                   status=2).err


def test_wrong_use(company):
    company.begin(user("one", mailNickname=".one"))
    company.review()
    path = company.path / "r.csv"
    for words, complaint in (
            (["--out", "x"], "--out is about a plan: it goes with --from"),
            (["--accept-wrong"], "--accept-wrong is about a plan"),
            (["--from", path, "--csv"], "--csv and --from do not go together"),
            (["--from", path, "--review", "x"],
             "--review and --from do not go together"),
            (["--from", company.path / "none.csv"], "cannot read")):
        done = company.ok("cleanup", "ad", *words, status=2)
        assert complaint in done.err, done
    company.write("empty.csv", "")
    assert "is empty: make it with" in company.ok(
        "cleanup", "ad", "--from", company.path / "empty.csv", status=2).err
    assert "'add'" in company.ok("cleanup", "add", "--from", path,
                                 status=2).err


def test_changed_between_plan_and_apply(company):
    """The value itself, and one that makes the new value a second one."""
    company.begin(user("one", mailNickname=".one"), user("two"))
    company.review()
    company.plan()
    company.replace("ad.ldif", "displayName:: dHdv",
                    "displayName:: dHdv\nmailNickname: ONE")
    company.ok("run", "ad", "full-import")
    done = company.apply(status=6)
    assert "nothing would be written any more" in done.err
    assert "mailNickname '.one': 'one' would be wrong: Duplicate" in done.err
    assert "make the plan again from the file" in done.err
    assert company.values("one", "mailNickname") == [".one"]
    company.replace("ad.ldif", "mailNickname: ONE", "mailNickname: zwei")
    company.replace("ad.ldif", "mailNickname:: Lm9uZQ==",
                    "mailNickname: eins")
    company.ok("run", "ad", "full-import")
    company.apply(status=6)
    assert company.values("one", "mailNickname") == ["eins"]
    _, left = company.plan(status=1)
    assert left == ["mailNickname '.one': it has changed since: it is 'eins'"]


def test_what_is_pending_goes_first(company):
    company.begin(user("one", mailNickname=".one", proxyAddresses=["a b"]))
    rows = company.review()
    company.decide(rows[:1])
    company.plan()
    company.ok("cleanup", "ad", "--from", company.path / "r.csv")
    company.replace("agents/ad.yaml", "    import: { name: cn }\n", """\
    import: { name: cn }
    export: { sn: name }
""")
    company.ok("run", "ad", "full-sync")
    _, left = company.plan(status=1)
    assert left == ["mailNickname '.one': another export of it is pending: "
                    "export that first"]
    company.ok("run", "ad", "export")
    assert company.plan()[0]


def test_checks_of_ones_own_lie_in_the_plan(company):
    company.begin(user("one", mail="one"))
    company.write("mine.yaml", "checks: { mail: [ { if: '[@value] = \"one\"', "
                  "error: Format, fix: '\"eins\"' } ] }")
    rows = company.review("--checks", company.path / "mine.yaml")
    assert rows[0]["checks"] == str(company.path / "mine.yaml")
    company.plan()
    company.write("mine.yaml", "nonsense")
    company.apply()
    assert company.values("one", "mail") == ["eins"]




LDAP = """type: ldap
connect: { servers: ['URL'], bind_dn: 'BIND', password: file:password,
           security: none, base: 'dc=example,dc=com' }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    attributes: { cn: string, sn: string, displayName: string,
                  mail: { type: string, multi: true } }
"""
PERSON = """dn: uid={0},dc=example,dc=com
objectClass: inetOrgPerson
cn: {0}
sn: {0}
displayName: {0}
mail: {1}
mail: {0}.2@example.com

"""


@pytest.fixture
def directory(tmp_path, slapd):
    """A server of which nothing but imports are made: no rule is there."""
    folder = Review(tmp_path / "conf")
    folder.write("conjoin.yaml", "conjoin: 1\nagents: [ad]\nmetaverse: "
                 "{ person: { attributes: { cn: string } } }\n")
    folder.write("agents/ad.yaml", LDAP.replace("URL", slapd.url)
                 .replace("BIND", slapd.bind_dn))
    folder.write("password", slapd.password + "\n")
    (folder.path / "password").chmod(0o600)
    return folder


def test_in_a_directory(directory, slapd):
    """What the directory refuses is told against its object, and the others
    are written."""
    slapd.add("".join(PERSON.format(name, mail) for name, mail in (
        ("ann", "a nn@example.com"), ("bob", "bob@@example.com"),
        ("cid", "cid@example.com"))))
    directory.ok("run", "ad", "full-import")
    rows = directory.review("--checks", "idfix-dedicated")
    assert [(r["commonName"], r["value"], r["update"]) for r in rows] == [
        ("ann", "a nn@example.com", "ann@example.com"),
        ("bob", "bob@@example.com", "bob@example.com")]
    assert all(len(r["anchor"]) == 36 for r in rows)
    rows.append({**rows[1], "attribute": "sn", "value": "bob", "update": "",
                 "action": "REMOVE"})
    rows.append({**rows[0], "attribute": "displayName", "value": "ann",
                 "update": "Ann"})
    directory.decide(rows)
    planned, left = directory.plan()
    assert not left and len(planned) == 4
    done = directory.apply(status=1)
    assert "FAIL  uid=bob,dc=example,dc=com  sn  bob ->   (REMOVE)" in done.out
    assert "2 COMPLETE, 2 FAIL; why: conjoin errors" in done.out
    found = slapd.search("(uid=*)", "mail", "sn", "displayName")
    ann = found["uid=ann,dc=example,dc=com"]
    assert sorted(ann["mail"]) == ["ann.2@example.com", "ann@example.com"]
    assert ann["displayName"] == ["Ann"]
    assert found["uid=bob,dc=example,dc=com"]["sn"] == ["bob"]
    error, = directory.json("errors")["errors"]
    assert error["code"] == "schema-violation" and "uid=bob" in str(error)
    directory.ok("run", "ad", "full-import")
    rows = directory.review("--checks", "idfix-dedicated")
    assert [r["commonName"] for r in rows] == ["bob"]
    run = directory.last_run("export")
    assert len(directory.json("pending", "ad")["exports"]) == 1
    rows.append({**rows[0], "attribute": "sn", "value": "bob", "update": "",
                 "action": "COMPLETE"})
    directory.decide(rows[1:])
    planned, left = directory.plan()
    assert len(planned) == 1 and not left
    directory.decide([{**row, "action": "COMPLETE"} for row in rows])
    found = directory.json("cleanup", "ad", "--from",
                           directory.path / "r.csv")
    assert (found["count"], found["warnings"]) == (
        0, ["what was pending by an earlier decision is withdrawn from 1 "
            "object"])
    directory.decide(rows)
    directory.plan()
    rows = directory.json("apply", directory.path / "a.plan")["rows"]
    assert [(row["attribute"], row["value"], row["update"], row["action"],
             row["result"]) for row in rows] == [
                 ("mail", "bob@@example.com", "bob@example.com", "EDIT",
                  "COMPLETE")]
    assert not directory.json("pending", "ad")["exports"]
    found = slapd.search("(uid=bob)", "mail")["uid=bob,dc=example,dc=com"]
    assert sorted(found["mail"]) == ["bob.2@example.com", "bob@example.com"]
    directory.ok("undo", run, "--out", directory.path / "an.undo")
    directory.ok("apply", directory.path / "an.undo")
    found = slapd.search("(uid=ann)", "mail", "displayName")
    ann = found["uid=ann,dc=example,dc=com"]
    assert sorted(ann["mail"]) == ["a nn@example.com", "ann.2@example.com"]
    assert ann["displayName"] == ["ann"]


def test_renamed_meanwhile(directory, slapd):
    """It is known by its anchor, whatever its name is."""
    slapd.add(PERSON.format("ann", "a nn@example.com"))
    directory.ok("run", "ad", "full-import")
    directory.review("--checks", "idfix-dedicated")
    slapd.client("ldapmodrdn", "-r", "uid=ann,dc=example,dc=com", "uid=anna")
    directory.ok("run", "ad", "full-import")
    planned, left = directory.plan()
    assert len(planned) == 1 and not left
    directory.apply()
    assert "ann@example.com" in slapd.search("(uid=anna)", "mail")[
        "uid=anna,dc=example,dc=com"]["mail"]


def test_killed_between_staging_and_writing(company):
    """The next export goes on, and the plan counts as applied."""
    company.write("agents/ad.yaml", FILES["agents/ad.yaml"].replace(
        "type: ldif\nconnect: { path: ad.ldif, anchor: dn }",
        "type: memory\nconnect: { path: ad.ldif, fail: { operation: put, "
        "at: 2, code: crash } }"))
    company.begin(*(user(f"u{i}", mailNickname=f".u{i}") for i in range(4)))
    company.review()
    company.plan()
    assert company.conjoin("apply", company.path / "a.plan").status
    company.replace("agents/ad.yaml", ", fail: { operation: put, at: 2, "
                    "code: crash }", "")
    assert "was applied already" in company.apply(status=2).err
    assert len(company.json("pending", "ad")["exports"]) == 4
    company.ok("run", "ad", "export")
    assert [company.values(f"u{i}", "mailNickname") for i in range(4)] == [
        [f"u{i}"] for i in range(4)]
    company.ok("cycle")
    assert not company.json("pending", "ad")["exports"]


def test_an_agent_that_is_in_no_cycle(company):
    company.begin(user("one", mailNickname=".one"))
    company.review()
    company.write("agents/hr.yaml", FILES["agents/ad.yaml"])
    company.replace("conjoin.yaml", "agents: [ad]", "agents: [ad, hr]\n"
                    "cycle: { order: [hr] }")
    done = company.ok("cleanup", "ad", "--from", company.path / "r.csv",
                      status=2)
    assert "takes no part in cycles" in done.err
