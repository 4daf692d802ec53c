"""The templates hr-to-ad and two-forest-users against Active Directory (Samba).

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import json
import os
import re
import subprocess

import pytest

from forests import (change, counts, entry, flows, made_from, set_value, unit,
                 units)
from helpers import Folder


def users(domain, container, *attributes):
    """sAMAccountName -> (DN below the container, attributes)."""
    found = domain.search("(&(objectClass=user)(!(objectClass=computer)))",
                          *attributes, "sAMAccountName", base=container)
    return {values["sAMAccountName"][0]:
            (dn.removesuffix("," + container), values)
            for dn, values in found.items()}


def signs_in(domain, dn, password):
    """Does the password open the account?"""
    return subprocess.run(
        ["ldapsearch", "-x", "-H", domain.url, "-D", dn, "-w", password,
         "-s", "base", "-b", "", "1.1"],
        check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "LDAPNOINIT": "1"}).returncode == 0


def handed_over(folder, key):
    """Initial passwords by DN, as who has the key reads them."""
    out = folder.ok("secret", "open", folder.path / "out/passwords", key).out
    return {one["dn"]: one["values"]["unicodePwd"]
            for one in map(json.loads, out.splitlines())}


def in_a_month():
    """So that what waits for 30 days is due."""
    time = datetime.datetime.utcnow() + datetime.timedelta(days=31)
    return {"env": {**os.environ,
                    "CONJOIN_FAKE_TIME": f"{time:%Y-%m-%dT%H:%M:%SZ}"}}


def keypair(path):
    """A key file, and what goes into the settings."""
    out = Folder(path).ok("secret", "keypair", path / "helpdesk.key").out
    return path / "helpdesk.key", re.search(r"[A-Za-z0-9+/]{43}=", out)[0]


# --- hr-to-ad ---

HEAD = "id,first,last,department,title,phone,manager_id,end,status\n"


@pytest.fixture
def hr(tmp_path, london):
    """A folder made from the template with its sample of people, and who may
    read passwords."""
    base = f"OU=HR,{london.base}"
    london.add(unit(base) + units(base, "OU=People"))
    key, public = keypair(tmp_path)
    folder = made_from(tmp_path, "hr-to-ad", f"""\
servers: {london.tls_url}
base: {base}
bind_dn: {london.bind_dn}
password: file:password
ca_file: {london.ca_file}
container: OU=People
upn_suffix: corp.test
mail_domain: corp.test
passwords_for: {public}
""")
    folder.write("data/hr.csv", folder.read("data/hr.csv")
                 + "1008,Anna,Lee,Sales,Clerk,,1002,,active\n"
                 + "1009,Ann,Lee,Sales,Clerk,,1002,,active\n"
                 + "1010,Kim,O'Neil Sy,,Clerk,,1002,,active\n")
    yield folder, key, f"OU=People,{base}"
    london.client("ldapdelete", "-r", base)


def test_hr_to_ad(hr, london):
    folder, key, people = hr
    assert counts(folder, "hr", "full-import") == {"stage-add": 10}
    assert counts(folder, "ad", "full-import") == {}
    assert counts(folder, "hr", "delta-sync") == {
        "disconnector-projected-flow": 10, "ad.provisioned-add-flow": 8}
    # containers are made, and do not count
    assert counts(folder, "ad", "export") == {"export-add": 8}
    assert counts(folder, "ad", "delta-import") == {"stage-add": 8}
    assert flows(counts(folder, "ad", "delta-sync")) == {}
    assert counts(folder, "ad", "export") == {}
    found = users(london, people, "*")
    assert {name: dn for name, (dn, _) in found.items()} == {
        "mrossi": "CN=Maria Rossi,OU=Management",
        "jokafor": "CN=James Okafor,OU=Sales",
        "lfischer": "CN=Lena Fischer,OU=Engineering",
        "alee": "CN=Ann Lee,OU=Sales",
        "jmuller": "CN=Jörg Müller,OU=Engineering",
        "alee2": "CN=Anna Lee,OU=Sales",
        "alee3": "CN=Ann Lee 2,OU=Sales",
        "koneilsy": "CN=Kim O'Neil Sy,OU=No department"}
    ann = found["alee"][1]
    assert ann["userPrincipalName"] == ["alee@corp.test"]
    assert ann["mail"] == ["alee@corp.test"]
    assert ann["employeeID"] == ["1004"]
    assert ann["userAccountControl"] == ["512"]
    assert ann["pwdLastSet"] == ["0"]
    assert ann["manager"] == [f"CN=James Okafor,OU=Sales,{people}"]

    passwords = handed_over(folder, key)
    assert len(passwords) == 8
    dn = f"CN=Ann Lee,OU=Sales,{people}"
    assert not signs_in(london, dn, passwords[dn])  # to be changed first
    london.add(set_value(dn, "pwdLastSet", "-1"))
    assert signs_in(london, dn, passwords[dn])

    # another department and name; one leaves, one row is gone
    text = folder.read("data/hr.csv")
    text = text.replace("1005,Jörg,Müller,Engineering",
                        "1005,Jörg,Meyer,Sales")
    text = text.replace("+49 30 1234-111,1002,,active",
                        "+49 30 1234-111,1002,,left")
    text = text.replace("1010,Kim,O'Neil Sy,,Clerk,,1002,,active\n", "")
    folder.write("data/hr.csv", text)
    assert counts(folder, "hr", "full-import") == {
        "stage-update": 2, "stage-delete": 1, "stage-no-change": 7}
    found = counts(folder, "hr", "delta-sync")
    assert found == {
        "connector-flow": 2, "connector-delete-remove-mv": 1,
        "ad.provisioned-rename-flow": 1, "ad.connector-flow": 2}
    assert counts(folder, "ad", "export") == {
        "export-rename": 1, "export-update": 2}
    found = users(london, people, "*")
    assert found["jmuller"][0] == "CN=Jörg Meyer,OU=Sales"
    assert found["alee"][1]["userAccountControl"] == ["514"]
    assert found["koneilsy"][1]["userAccountControl"] == ["514"]
    assert not signs_in(london, dn, passwords[dn])
    folder.ok("cycle")
    due = folder.json("pending", "--due")["due"]
    assert sorted(one["what"] for one in due
                  if one["what"] == "deprovision") == ["deprovision"] * 2

    # who comes back has the same account; 30 days later the other one is gone
    folder.write("data/hr.csv", text.replace(
        "+49 30 1234-111,1002,,left", "+49 30 1234-111,1002,,active"))
    folder.ok("cycle")
    assert signs_in(london, dn, passwords[dn])
    folder.ok("cycle", **in_a_month())
    found = users(london, people, "*")
    assert "koneilsy" not in found and len(found) == 7
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []


# --- two-forest-users ---


def world(tmp_path, london, rome, name, select, public):
    here, there = f"OU={name},{london.base}", f"OU={name},{rome.base}"
    london.add(unit(here) + units(here, "OU=Staff"))
    rome.add(unit(there) + units(there, "OU=Londra", "OU=Others"))
    staff = f"OU=Staff,{here}"
    london.add("".join(
        entry(f"CN={cn},{staff}", "user", sAMAccountName=sam + name,
              displayName=cn, title=title, userAccountControl=uac,
              description=mark, **more)
        for cn, sam, title, uac, mark, more in (
            ("Boss", "boss", "Head", 544, "rome", {}),
            ("Ann", "ann", "Clerk", 544, "rome",
             {"manager": f"CN=Boss,{staff}"}),
            ("Off", "off", None, 546, "rome", {}),
            ("Ben", "ben", None, 544, None, {}))))
    london.add(entry(f"CN=Rome Users,{staff}", "group",
                     sAMAccountName=f"romeusers{name}",
                     member=[f"CN={cn},{staff}"
                             for cn in ("Boss", "Ann", "Off")]))
    # the account's name is taken
    rome.add(entry(f"CN=Another,OU=Londra,{there}", "user",
                   sAMAccountName=f"ann{name}"))
    return made_from(tmp_path, "two-forest-users", f"""\
source:
  name: london
  servers: {london.tls_url}
  base: {here}
  bind_dn: {london.bind_dn}
  password: file:password
  ca_file: {london.ca_file}
  containers: OU=Staff
{select}
target:
  name: rome
  servers: {rome.tls_url}
  base: {there}
  bind_dn: {rome.bind_dn}
  password: file:password
  ca_file: {rome.ca_file}
  container: OU=Londra
  upn_suffix: roma.italien
passwords_for: {public}
"""), staff, f"OU=Londra,{there}"


def test_two_forest_users(tmp_path, london, rome):
    """Selected by a group: the server tells nothing when it changes."""
    key, public = keypair(tmp_path)
    folder, staff, londra = world(tmp_path, london, rome, "G",
                                  "  group: CN=Rome Users,OU=Staff", public)
    group = f"CN=Rome Users,{staff}"
    assert counts(folder, "london", "full-import") == {"stage-add": 4}
    assert counts(folder, "rome", "full-import") == {"stage-add": 1}
    assert counts(folder, "london", "delta-sync") == {
        "disconnector-filtered": 1, "disconnector-projected-flow": 3,
        "rome.provisioned-add-flow": 3}
    assert counts(folder, "rome", "export") == {"export-add": 3}
    assert counts(folder, "rome", "delta-import") == {"stage-add": 3}
    assert flows(counts(folder, "rome", "delta-sync")) == {
        "disconnector-remains": 1}
    found = users(rome, londra, "*")
    assert {name: dn for name, (dn, _) in found.items()} == {
        "annG": "CN=Another", "annG2": "CN=Ann", "bossG": "CN=Boss",
        "offG": "CN=Off"}
    ann = found["annG2"][1]
    assert ann["userPrincipalName"] == ["annG2@roma.italien"]
    assert ann["title"] == ["Clerk"]
    assert ann["manager"] == [f"CN=Boss,{londra}"]
    assert ann["userAccountControl"] == ["512"]
    assert found["offG"][1]["userAccountControl"] == ["514"]
    passwords = handed_over(folder, key)
    assert signs_in(rome, f"CN=Ann,{londra}",
                    passwords[f"CN=Ann,{londra}"])

    # Ann leaves the group, Ben comes
    london.add(change(group, "delete: member", f"member: CN=Ann,{staff}")
               + change(group, "add: member", f"member: CN=Ben,{staff}"))
    assert counts(folder, "london", "full-import") == {
        "stage-update": 2, "stage-no-change": 2}
    assert counts(folder, "london", "delta-sync") == {
        "connector-filtered-remove-mv": 1, "disconnector-projected-flow": 1,
        "rome.connector-flow": 1, "rome.provisioned-add-flow": 1}
    assert counts(folder, "rome", "export") == {
        "export-add": 1, "export-update": 1}
    assert users(rome, londra, "*")["annG2"][1]["userAccountControl"] == [
        "514"]
    folder.ok("cycle")

    # in time: the same account, enabled again
    london.add(change(group, "add: member", f"member: CN=Ann,{staff}"))
    folder.ok("cycle")
    assert users(rome, londra, "*")["annG2"][1]["userAccountControl"] == [
        "512"]
    assert len(users(rome, londra)) == 5
    # too late: deleted
    london.add(change(group, "delete: member", f"member: CN=Ann,{staff}"))
    folder.ok("cycle")
    assert len(users(rome, londra)) == 5
    folder.ok("cycle", **in_a_month())
    assert sorted(users(rome, londra)) == ["annG", "benG", "bossG", "offG"]
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []


def test_selected_by_a_value(tmp_path, london, rome):
    key, public = keypair(tmp_path)
    folder, staff, londra = world(
        tmp_path, london, rome, "V",
        "  attribute: description\n  value: rome", public)
    folder.ok("cycle")
    assert sorted(users(rome, londra)) == ["annV", "annV2", "bossV", "offV"]
    london.add(set_value(f"CN=Ben,{staff}", "description", "Rome"))
    assert counts(folder, "london", "delta-import") == {"stage-update": 1}
    folder.ok("cycle")
    assert "benV" in users(rome, londra)
    assert len(handed_over(folder, key)) == 4
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []
