"""The templates besides two-forest-gal, and one address list of three, with three
Active Directory forests (Samba).

SPDX-License-Identifier: Apache-2.0
"""
import base64
import datetime
import json
import os
import re
import subprocess

import pytest

from forests import (change, counts, entry, flows, forest, made_from,
                     mail_contact, mail_group, mailbox, set_value, unit,
                     units)
from helpers import Folder

SELF = base64.b64decode("AQEAAAAAAAUKAAAA")  # S-1-5-10


@pytest.fixture(scope="module")
def central(make_forest):
    return make_forest("CENTRAL.TEST", "127.0.0.65")


@pytest.fixture(scope="module")
def london(make_forest):
    return make_forest("NWTRADERS.MSFT", "127.0.0.66")


@pytest.fixture(scope="module")
def rome(make_forest):
    return make_forest("ROMA.ITALIEN", "127.0.0.67")


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


# --- what is looked at ---


def one(domain, dn, *attributes):
    return domain.search("(objectClass=*)", *attributes, base=dn)[dn]


def below(domain, container):
    """The names of what lies directly below."""
    found = domain.search("(objectClass=*)", "cn", base=container)
    return sorted(values["cn"][0] for values in found.values()
                  if "cn" in values)


def as_map(**values):
    return "".join(f"  {key}: {value}\n" for key, value in values.items())


def server(domain, base):
    return {"servers": domain.tls_url, "base": base,
            "bind_dn": domain.bind_dn, "password": "file:password",
            "ca_file": domain.ca_file}


# --- ocs-central-forest ---


def test_ocs(tmp_path, central, london, rome):
    base = f"OU=OCS,{central.base}"
    here, there = f"OU=OCS,{london.base}", f"OU=OCS,{rome.base}"
    staff, personale = f"OU=Staff,{here}", f"OU=Personale,{there}"
    central.add(unit(base) + units(base, "OU=London", "OU=Rome"))
    london.add(unit(here) + units(here, "OU=Staff"))
    rome.add(unit(there) + units(there, "OU=Personale"))
    london.add("".join(
        entry(f"CN={cn},{staff}", "user", sAMAccountName=f"ocs{cn}",
              displayName=cn, mail=f"{cn}@nwtraders.msft", title="Clerk",
              proxyAddresses=f"SMTP:{cn}@nwtraders.msft", **more)
        for cn, more in (("Boss", {"department": "Sales"}),
                         ("Ann", {"manager": f"CN=Boss,{staff}"})))
        + mail_group(f"CN=Team,{staff}", "team", "SMTP:team@nwtraders.msft",
                     managedBy=f"CN=Ann,{staff}")
        + entry(f"CN=No mail,{staff}", "group", sAMAccountName="ocsnomail"))
    rome.add(entry(f"CN=Ugo,{personale}", "user", sAMAccountName="ocsugo"))
    ann = one(london, f"CN=Ann,{staff}", "objectSid")["objectSid"][0]
    # Ann has a contact already, under another name
    central.add(entry(f"CN=Ann of before,OU=London,{base}", "contact",
                      **{"msRTCSIP-OriginatorSid": ann}))
    folder = made_from(
        tmp_path, "ocs-central-forest", "central:\n"
        + as_map(name="central", **server(central, base)) + "forests:\n"
        + forest("london", london, here, sources="OU=Staff",
                 target="OU=London", sip_back_flow="true")
        + forest("rome", rome, there, sources="OU=Personale",
                 target="OU=Rome") + "lync_2010: true\n")

    def run(agent, profile):
        return flows(counts(folder, agent, profile))

    assert run("central", "full-import") == {"stage-add": 1}
    assert run("london", "full-import") == {"stage-add": 4}
    assert run("rome", "full-import") == {"stage-add": 1}
    assert run("central", "delta-sync") == {"disconnector-remains": 1}
    assert run("london", "delta-sync") == {
        "disconnector-projected-flow": 3, "disconnector-filtered": 1,
        "central.provisioned-add-flow": 2,
        "central.provisioned-rename-flow": 1}
    assert run("rome", "delta-sync") == {
        "disconnector-projected-flow": 1, "central.provisioned-add-flow": 1}
    assert run("central", "export") == {"export-add": 3, "export-rename": 1}
    assert run("central", "delta-import") == {
        "stage-add": 3, "stage-rename": 1}
    assert run("central", "delta-sync") == {}
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []
    assert below(central, f"OU=London,{base}") == ["Ann", "Boss", "Team"]
    assert below(central, f"OU=Rome,{base}") == ["Ugo"]
    contact = f"CN=Ann,OU=London,{base}"
    found = one(central, contact, "*")
    assert found["msRTCSIP-OriginatorSid"] == [ann]
    assert found["msDS-SourceObjectDN"] == [f"CN=Ann,{staff}"]
    assert found["manager"] == [f"CN=Boss,OU=London,{base}"]
    assert found["proxyAddresses"] == ["SMTP:Ann@nwtraders.msft"]
    team = one(central, f"CN=Team,OU=London,{base}", "*")
    assert team["msRTCSIP-SourceObjectType"] == ["8"]
    assert team["manager"] == [contact]

    # the administrator of the central forest gives Ann an address
    sip = "sip:ann@central.test"
    central.add(set_value(contact, "msRTCSIP-PrimaryUserAddress", sip))
    assert run("central", "delta-import") == {"stage-update": 1}
    assert run("central", "delta-sync") == {
        "connector-flow": 1, "central.connector-flow": 1,
        "london.connector-flow": 1}
    folder.ok("cycle")
    expected = ["SMTP:Ann@nwtraders.msft", sip]
    assert sorted(one(london, f"CN=Ann,{staff}", "proxyAddresses")
                  ["proxyAddresses"]) == expected
    assert sorted(one(central, contact, "proxyAddresses")
                  ["proxyAddresses"]) == expected

    # another unit is another source DN; who is gone is gone
    london.add(units(staff, "OU=Sales")
               + f"dn: CN=Ann,{staff}\nchangetype: modrdn\nnewrdn: CN=Anna\n"
               f"deleteoldrdn: 1\nnewsuperior: OU=Sales,{staff}\n\n"
               f"dn: CN=Boss,{staff}\nchangetype: delete\n")
    assert run("london", "delta-import") == {
        "stage-rename": 1, "stage-delete": 1}
    assert run("london", "delta-sync") == {
        "connector-flow": 1, "connector-delete-remove-mv": 1,
        "central.provisioned-rename-flow": 1,
        "central.provisioned-disconnect": 1}
    assert run("central", "export") == {
        "export-rename": 1, "export-delete": 1}
    found = one(central, f"CN=Anna,OU=London,{base}", "*")
    assert found["msDS-SourceObjectDN"] == [f"CN=Anna,OU=Sales,{staff}"]
    assert found["msRTCSIP-PrimaryUserAddress"] == [sip]
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []


# --- exchange-resource-forest ---


def test_resource_forest(tmp_path, central, london):
    base, here = f"OU=Res,{central.base}", f"OU=Res,{london.base}"
    staff, boxes = f"OU=Staff,{here}", f"OU=Mailboxes,{base}"
    central.add(unit(base) + units(base, "OU=Mailboxes"))
    london.add(unit(here) + units(here, "OU=Staff"))
    london.add("".join(
        entry(f"CN={cn},{staff}", "user", sAMAccountName=f"res{cn}",
              displayName=cn, title="Clerk", userAccountControl=uac, **more)
        for cn, uac, more in (
            ("Boss", 544, {}), ("Ann", 544, {"manager": f"CN=Boss,{staff}"}),
            ("Ben", 544, {}), ("Off", 546, {}))))
    sids = {cn: one(london, f"CN={cn},{staff}", "objectSid")["objectSid"]
            for cn in ("Boss", "Ann", "Ben")}
    # Ben has a mailbox already; a room belongs to nobody
    central.add(
        entry(f"CN=Benjamin,{boxes}", "user", sAMAccountName="benjamin",
              msExchMasterAccountSid=sids["Ben"],
              mail="ben@corp.test", legacyExchangeDN="/o=x/cn=ben",
              proxyAddresses=["SMTP:ben@corp.test", "X500:/o=old/cn=ben"])
        + entry(f"CN=Room,{boxes}", "user", sAMAccountName="resroom",
                msExchMasterAccountSid=SELF))
    mdb = f"CN=Services,CN=Configuration,{central.base}"
    folder = made_from(
        tmp_path, "exchange-resource-forest", "accounts:\n"
        + as_map(name="corp", containers="OU=Staff", **server(london, here))
        + "resources:\n" + as_map(
            name="mail", container="OU=Mailboxes", upn_suffix="mail.test",
            home_mdb=mdb, home_server="/o=x/cn=srv", **server(central, base)))

    def run(agent, profile):
        return flows(counts(folder, agent, profile))

    assert run("mail", "full-import") == {"stage-add": 2}
    assert run("corp", "full-import") == {"stage-add": 4}
    assert run("mail", "delta-sync") == {"disconnector-remains": 2}
    assert run("corp", "delta-sync") == {
        "disconnector-projected-flow": 3, "disconnector-remains": 1,
        "mail.provisioned-add-flow": 2, "mail.provisioned-rename-flow": 1,
        "corp.connector-flow": 1}
    assert run("mail", "export") == {"export-add": 2, "export-rename": 1}
    assert run("mail", "delta-import") == {"stage-add": 2, "stage-rename": 1}
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []
    assert below(central, boxes) == ["Ann", "Ben", "Boss", "Room"]
    ann = one(central, f"CN=Ann,{boxes}", "*")
    assert ann["userAccountControl"] == ["514"]
    assert ann["msExchMasterAccountSid"] == sids["Ann"]
    assert ann["msExchRecipientTypeDetails"] == ["2"]
    assert ann["msExchRecipientDisplayType"] == ["1073741824"]
    assert ann["userPrincipalName"] == ["resAnn@mail.test"]
    assert ann["homeMDB"] == [mdb]
    assert ann["manager"] == [f"CN=Boss,{boxes}"]
    # Ben's addresses are those of his mailbox, for mail only
    ben = one(london, f"CN=Ben,{staff}", "*")
    assert ben["mail"] == ["ben@corp.test"]
    assert ben["proxyAddresses"] == ["SMTP:ben@corp.test"]
    # Exchange gives Ann hers
    central.add(change(f"CN=Ann,{boxes}", "replace: mail",
                       "mail: ann@corp.test", "-",
                       "replace: proxyAddresses",
                       "proxyAddresses: SMTP:ann@corp.test"))
    assert run("mail", "delta-import") == {"stage-update": 1}
    assert run("mail", "delta-sync") == {
        "connector-flow": 1, "corp.connector-flow": 1}
    assert run("corp", "export") == {"export-update": 1}
    assert one(london, f"CN=Ann,{staff}", "mail")["mail"] == [
        "ann@corp.test"]
    folder.ok("cycle")

    # Ben is disabled, Ann's account is deleted
    london.add(set_value(f"CN=Ben,{staff}", "userAccountControl", "546")
               + f"dn: CN=Ann,{staff}\nchangetype: delete\n")
    assert run("corp", "delta-import") == {
        "stage-update": 1, "stage-delete": 1}
    assert run("corp", "delta-sync") == {
        "connector-flow": 1, "connector-delete-remove-mv": 1,
        "mail.connector-flow": 2}
    assert run("mail", "export") == {"export-update": 2}
    for cn in ("Ann", "Ben"):
        assert one(central, f"CN={cn},{boxes}", "msExchHideFromAddressLists")[
            "msExchHideFromAddressLists"] == ["TRUE"]
    folder.ok("cycle")
    folder.ok("cycle", **in_a_month())
    assert below(central, boxes) == ["Ben", "Boss", "Room"]
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []


# --- one address list of three forests ---


def test_three_forests(tmp_path, central, london, rome):
    """Each has contacts of the two others, and a contact never goes round."""
    settings, lists = "forests:\n", {}
    for name, domain in (("central", central), ("london", london),
                         ("rome", rome)):
        base = f"OU=GAL,{domain.base}"
        domain.add(unit(base) + units(base, "OU=Staff", "OU=Others",
                                      "OU=Partners")
                   + mailbox(domain, f"CN=Kim,OU=Staff,{base}", f"kim{name}",
                             f"SMTP:kim@{name}.test", department=name)
                   + mail_contact(f"CN=Partner of {name},OU=Partners,{base}",
                                  f"partner{name}", f"SMTP:p@{name}.example",
                                  f"SMTP:p@{name}.example"))
        settings += forest(name, domain, base, sources="OU=Staff",
                           contact_sources="OU=Partners", target="OU=Others",
                           suffixes=f"'@{name}.test'")
        lists[name] = (domain, f"OU=Others,{base}")
    folder = made_from(tmp_path, "two-forest-gal", settings)
    folder.ok("cycle")
    for name, (domain, container) in lists.items():
        others = sorted(set(lists) - {name})
        found = below(domain, container)
        assert "Kim" in found and len(found) == 4
        assert [f"Kim ({other})" in found for other in others].count(True) == 1
        assert {f"Partner of {other}" for other in others} < set(found)
    folder.ok("cycle")
    assert folder.json("pending")["exports"] == []
