"""cleanup: values that a directory should not have.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import csv
import io

import pytest

from helpers import Folder

ATTRIBUTES = ["cn", "displayName", "givenName", "sn", "mail", "mailNickname",
              "sAMAccountName", "userPrincipalName", "targetAddress",
              "homeMDB", "groupType", "isCriticalSystemObject"]
FILES = {
    "conjoin.yaml": """conjoin: 1
agents: [ad]
metaverse:
  person:
    attributes: { name: { type: string, index: true } }
    delete: { when: [ad] }
""",
    "agents/ad.yaml": """type: ldif
connect: { path: ad.ldif, anchor: dn }
objects:
""" + "".join(f"""  {kind}:
    attributes:
      proxyAddresses: {{ type: string, multi: true }}
""" + "".join(f"      {name}: string\n" for name in ATTRIBUTES) + """
    metaverse: person
    project: true
    import: { name: cn }
""" for kind in ("user", "contact", "group")),
}


def ldif(objects):
    text = "version: 1\n"
    for cn, kind, attributes in objects:
        text += f"\ndn: cn={cn},dc=x\nobjectClass: {kind}\ncn: {cn}\n"
        for name, values in attributes.items():
            for value in [values] if isinstance(values, str) else values:
                coded = base64.b64encode(value.encode()).decode()
                text += f"{name}:: {coded}\n"
    return text


@pytest.fixture
def company(tmp_path):
    folder = Folder(tmp_path)
    for name, text in FILES.items():
        folder.write(name, text)
    return folder


def rows_of(company, objects, *words):
    """{(cn, attribute, value): (errors, update, action)} of those that hold
    nothing but what the case is about."""
    company.write("ad.ldif", ldif(objects))
    company.ok("run", "ad", "full-import")
    done = company.ok("cleanup", "ad", "--csv", *words)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    return {(row["commonName"], row["attribute"], row["value"]):
            (row["error"], row["update"], row["action"]) for row in rows}


def user(cn, **attributes):
    return cn, "user", {"displayName": cn, **attributes}


@pytest.mark.parametrize("attribute, value, error, update", [
    ("mail", "a" * 300, "Length", "a" * 256),
    ("givenName", "g" * 64, "Length", "g" * 63),
    ("mailNickname", "..bob", "Character", "bob"),
    ("mailNickname", "...", "Character", "x"),
    ("sAMAccountName", "jd:oe*", "Character", "jdoe"),
    ("sAMAccountName", "s" * 21, "Length", "s" * 20),
    ("sAMAccountName", "*?", "Character", "x"),
    ("targetAddress", "SMTP:jdoe@con_toso.com", "DomainPart",
     "SMTP:jdoe@contoso.com"),
    ("targetAddress", "smtp:a:b@contoso.com", "Character",
     "smtp:ab@contoso.com"),
    ("userPrincipalName", "o'neil smith@contoso.com", "Character",
     "o'neilsmith@contoso.com"),
    ("userPrincipalName", "jürgen@contoso.com", "Character",
     "jrgen@contoso.com"),
    ("userPrincipalName", "jdoe@contoso.local", "TopLevelDomain", ""),
    ("userPrincipalName", "jdoe", "Format, DomainPart, LocalPart", ""),
    ("proxyAddresses", "smtp:a b(c)@x.com", "Character", "smtp:abc@x.com"),
    ("proxyAddresses", "X500:/o=a\tb", "Character", "X500:/o=ab"),
    ("proxyAddresses", "sip:a b@x.com", "Character", "sip:ab@x.com"),
])
def test_one_value(company, attribute, value, error, update):
    found = rows_of(company, [user("x", **{attribute: value})])
    assert found == {("x", attribute, value):
                     (error, update, "EDIT" if update else "")}


@pytest.mark.parametrize("attribute, value", [
    ("mail", "not an address"), ("givenName", "g" * 63),
    ("targetAddress", "SMTP:jdoe@contoso.com"),
    ("userPrincipalName", "o'neil@contoso.com"),
    ("proxyAddresses", "X500:/o=a b"),
])
def test_what_is_right(company, attribute, value):
    assert not rows_of(company, [user("x", **{attribute: value})])


def test_blank(company):
    company.write("ad.ldif", ldif([("x", "user", {})]))
    company.ok("run", "ad", "full-import")
    row, = company.json("cleanup", "ad")["rows"]
    assert (row["attribute"], row["errors"], row["value"], row["update"],
            row["action"]) == ("displayName", ["Blank"], "", "x", "EDIT")


def test_every_holder_of_a_value_is_told(company):
    same = {"userPrincipalName": "a@contoso.com"}
    company.write("ad.ldif", ldif([
        user("one", **same), user("two", userPrincipalName="A@contoso.com"),
        user("three", mailNickname="three", **same),
        user("four", userPrincipalName="b@contoso.com")]))
    company.ok("run", "ad", "full-import")
    rows = company.json("cleanup", "ad")["rows"]
    assert [(row["cn"], row["errors"], row["action"], row["set"])
            for row in rows] == [
                ("one", ["Duplicate"], "EDIT", 1),
                ("two", ["Duplicate"], "EDIT", 1),
                ("three", ["Duplicate"], "COMPLETE", 1)]


def test_duplicates_of_what_values_would_become(company):
    """A value that is repaired may be one that somebody else has."""
    found = rows_of(company, [user("one", mailNickname=".bob"),
                              user("two", mailNickname="bob")])
    assert found == {
        ("one", "mailNickname", ".bob"): ("Duplicate, Character", "bob",
                                          "EDIT"),
        ("two", "mailNickname", "bob"): ("Duplicate", "", "EDIT")}


def test_addresses_across_attributes(company):
    objects = [user("one", mail="a@contoso.com", mailNickname="one",
                    userPrincipalName="one@contoso.com",
                    proxyAddresses=["SMTP:a@contoso.com"]),
               user("two", userPrincipalName="two@contoso.com",
                    proxyAddresses=["smtp:A@contoso.com", "sip:a@x.com"])]
    assert rows_of(company, objects, "--checks", "m365") == {
        ("one", "mail", "a@contoso.com"): ("Duplicate", "", "COMPLETE"),
        ("one", "proxyAddresses", "SMTP:a@contoso.com"):
            ("Duplicate", "", "COMPLETE"),
        ("two", "proxyAddresses", "smtp:A@contoso.com"):
            ("Duplicate", "", "REMOVE")}


def test_dedicated(company):
    objects = [
        ("c", "contact", {"displayName": " c ", "mail": "c@contoso.com"}),
        user("u", givenName="Uwe", sn="Ott", homeMDB="cn=db",
             mail="u u@contoso.com", targetAddress="SMTP:u@contoso.com"),
        ("g", "group", {})]
    found = rows_of(company, objects, "--checks", "idfix-dedicated")
    assert found == {
        ("c", "displayName", " c "): ("Character", "c", "EDIT"),
        ("c", "mailNickname", ""): ("Blank", "c", "EDIT"),
        ("c", "targetAddress", ""): ("Blank", "SMTP:c@contoso.com", "EDIT"),
        ("u", "mail", "u u@contoso.com"): ("Character", "uu@contoso.com",
                                           "EDIT"),
        ("u", "mailNickname", ""): ("Blank", "Uwe.Ott", "EDIT"),
        ("g", "displayName", ""): ("Blank", "g", "EDIT")}


def test_objects_that_are_left_out(company):
    bad = {"mailNickname": ".x"}
    company.write("ad.ldif", ldif([
        user("pc$", **bad), user("KrbTgt", **bad), user("Guest", **bad),
        user("x", isCriticalSystemObject="True", **bad),
        user("y", sAMAccountName="MSOL_abc", **bad),
        ("s", "group", {"groupType": "-2147483646", **bad}),
        ("d", "group", {"groupType": "2", **bad}),
        ("kept", "group", {"displayName": "kept", "groupType": "-2147483646",
                           "mail": "kept@contoso.com", **bad})]))
    company.ok("run", "ad", "full-import")
    rows = company.json("cleanup", "ad")["rows"]
    assert {row["cn"] for row in rows} == {"kept"}
    assert "8 objects, 7 left out, 1 checked" in company.ok("cleanup",
                                                            "ad").out


def test_checks_of_ones_own(company):
    company.write("mine.yaml", """
about: rooms have numbers
skip: [ '[@type] = "group"' ]
checks:
  displayName:
    - { if: 'Left([@value], 4) <> "Room"', error: Format,
        fix: '"Room " & [@value]', types: user }
  mail: [ address, unique ]
  roomNumber: [ { length: 3 } ]
""")
    found = rows_of(company, [user("Room 1"), user("2"),
                              ("3", "contact", {"displayName": "3"}),
                              ("4", "group", {"mail": "bad"})],
                    "--checks", str(company.path / "mine.yaml"))
    assert found == {("2", "displayName", "2"): ("Format", "Room 2", "EDIT")}
    done = company.ok("cleanup", "ad", "--checks",
                      str(company.path / "mine.yaml"))
    assert "not checked, as 'ad' does not read them: roomNumber" in done.err


@pytest.mark.parametrize("text, complaint", [
    ("checks: { mail: [ lenght ] }",
     ":1:19: no rule 'lenght': did you mean 'length'?"),
    ("checks: { mail: [ { length: 0 } ] }",
     ":1:29: a number of 1 or more is wanted here"),
    ("checks: { mail: [ { of: smtp } ] }", ":1:19: a rule has one of length"),
    ("checks: { mail: [ { if: '[x' , error: Format } ] }",
     ":1:25: at character "),
    ("checks: { mail: [ { if: 'True' } ] }", "'if' and 'error' go together"),
    ("checks: { mail: [ { length: 1, error: Bad } ] }",
     "an error is Format, Blank"),
    ("chekcs: {}", ":1:1: no 'chekcs' here: did you mean 'checks'?"),
    ("skip: []", "there are no 'checks'"),
    ("a: [", ":2:1: not valid YAML"),
    ("", "there are no 'checks'"),
])
def test_wrong_checks(company, text, complaint):
    company.write("mine.yaml", text)
    company.write("ad.ldif", ldif([user("x")]))
    company.ok("run", "ad", "full-import")
    path = company.path / "mine.yaml"
    done = company.ok("cleanup", "ad", "--checks", path, status=2)
    assert f"{path}" in done.err and complaint in done.err, done


def test_wrong_use(company):
    company.write("ad.ldif", ldif([user("x")]))
    company.ok("run", "ad", "full-import")
    assert "of which agent" in company.ok("cleanup", status=2).err
    assert "'add'" in company.ok("cleanup", "add", status=2).err
    assert "did you mean 'idfix'?" in company.ok(
        "cleanup", "ad", "--checks", "idfx", status=2).err
    shown = company.ok("cleanup", "--show-checks", "--checks", "m365").out
    company.write("mine.yaml", shown)
    company.ok("cleanup", "ad", "--checks", company.path / "mine.yaml")


def test_page(company):
    company.write("ad.ldif", ldif([user("x", mailNickname=".<b>")]))
    company.ok("run", "ad", "full-import")
    page = company.path / "page.html"
    company.ok("cleanup", "ad", "--html", page)
    text = page.read_text(encoding="utf-8")
    assert "<td>.&lt;b&gt;</td><td>&lt;b&gt;</td><td>EDIT</td>" in text
    assert "1 values to look at" in text
