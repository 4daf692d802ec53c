"""Two forests, one address list: the template two-forest-gal against two Active
Directory forests (Samba) with Exchange's attributes, London and Rome.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import re
import subprocess

import pytest

from forests import (PASSWORD, change, counts, entry, flows, forest,
                     made_from, mail_contact, mail_group, mail_user, mailbox,
                     set_value, unit, units)
from helpers import CONJOIN, ROOT, Folder

SELF = "AQEAAAAAAAUKAAAA"  # S-1-5-10


@pytest.fixture(scope="module")
def london(make_forest):
    return make_forest("NWTRADERS.MSFT", "127.0.0.61")


@pytest.fixture(scope="module")
def rome(make_forest):
    return make_forest("ROMA.ITALIEN", "127.0.0.62")


class World:
    """The sample's two forests, below bases of their own."""

    def __init__(self, path, london, rome, name, more="", here="", there=""):
        self.path = path
        self.london = london
        self.rome = rome
        self.here = f"OU={name},{london.base}" if name else london.base
        self.there = f"OU={name},{rome.base}" if name else rome.base
        if name:
            london.add(unit(self.here))
            rome.add(unit(self.there))
        london.add(units(self.here, "OU=Staff", "OU=Contacts", "OU=FromRome",
                         "OU=Temp,OU=Staff"))
        rome.add(units(self.there, "OU=Personale", "OU=DaLondra"))
        self.more = more
        self.extra = {"london": here, "rome": there}
        self.folder = None

    def settings(self):
        def lines(text):
            return dict(line.split(": ", 1) for line in text.splitlines())
        return "forests:\n" + forest(
            "london", self.london, self.here, **{
                "sources": "OU=Staff", "contact_sources": "OU=Contacts",
                "target": "OU=FromRome", "suffixes": "'@nwtraders.msft'",
                **lines(self.extra["london"])}) + forest(
            "rome", self.rome, self.there, **{
                "sources": "OU=Personale", "target": "OU=DaLondra",
                "suffixes": "'@roma.italien'",
                **lines(self.extra["rome"])}) + self.more

    def make(self):
        self.folder = made_from(self.path, "two-forest-gal", self.settings())
        return self

    def run(self, agent, profile, status=0):
        return counts(self.folder, agent, profile, status=status)

    def cycle(self, status=0):
        self.folder.ok("cycle", status=status)

    def idle(self, status=0):
        """Nothing is left to be done, and another cycle does nothing."""
        self.folder.ok("cycle", status=status)
        assert self.folder.json("pending")["exports"] == []

    def types(self):
        """How many objects of each type the metaverse has."""
        found = {}
        for kind in ("person", "group", "contact_london"):
            objects = self.folder.json("search", "mv", kind)["objects"]
            found[kind] = len(objects)
        return found

    def in_rome(self, *attributes):
        return contacts(self.rome, f"OU=DaLondra,{self.there}", *attributes)

    def in_london(self, *attributes):
        return contacts(self.london, f"OU=FromRome,{self.here}", *attributes)


def contacts(domain, container, *attributes):
    """Name -> attributes of the contacts there."""
    found = domain.search("(objectClass=contact)", *attributes, base=container)
    return {re.match(r"CN=((?:[^,\\]|\\.)*),", dn).group(1): values
            for dn, values in found.items()}


def people(world):
    """Those of the story: London and Rome."""
    staff = f"OU=Staff,{world.here}"
    here = world.london
    here.add(
        mailbox(here, f"CN=Ann Adams,{staff}", "ann",
                "SMTP:ann@nwtraders.msft", "smtp:aadams@nwtraders.msft",
                department="Sales", telephoneNumber="1")
        + mailbox(here, f"CN=Marco Rossi,{staff}", "mrossi",
                  "SMTP:mrossi@nwtraders.msft")
        + mailbox(here, f"CN=Hidden Hal,{staff}", "hal",
                  "SMTP:hal@nwtraders.msft",
                  msExchHideFromAddressLists="TRUE")
        + entry(f"CN=No Mail,{staff}", "user", sAMAccountName="nomail")
        + mail_group(f"CN=Sales Team,{staff}", "sales",
                     "SMTP:sales@nwtraders.msft",
                     member=[f"CN=Ann Adams,{staff}",
                             f"CN=Marco Rossi,{staff}"])
        + mail_contact(f"CN=Supplier Sue,OU=Contacts,{world.here}", "sue",
                       "SMTP:sue@supplier.example",
                       "SMTP:sue@supplier.example")
        + mailbox(here, f"CN=Odd Otto,{staff}", "otto",
                  "SMTP:otto@other.example")
        + mailbox(here, f"CN=Ann Adams,OU=Temp,{staff}", "ann2",
                  "SMTP:ann2@nwtraders.msft", department="IT"))
    there = world.rome
    unit_there = f"OU=Personale,{world.there}"
    there.add(
        mailbox(there, f"CN=Marco Rossi,{unit_there}", "marco",
                "SMTP:marco@roma.italien")
        + mailbox(there, f"CN=Giulia Bianchi,{unit_there}", "giulia",
                  "SMTP:giulia@roma.italien")
        + mail_user(f"CN=Esterno Ugo,{unit_there}", "ugo",
                    "SMTP:ugo@partner.example", "SMTP:ugo@partner.example",
                    "smtp:ugo@roma.italien"))


def negative_start(world):
    """London is synchronized before Rome was read: its container for contacts
    is not known, and no half of an object is kept."""
    assert world.run("london", "full-import") == {"stage-add": 8}
    assert world.run("london", "delta-sync", status=1) == {
        "disconnector-filtered": 2, "flow-failure": 6}
    assert world.types() == {"person": 0, "group": 0, "contact_london": 0}
    assert world.folder.json("pending")["exports"] == []


def test_story(tmp_path, london, rome):
    """Scenario S9: every counter of every step."""
    world = World(tmp_path, london, rome, "")
    people(world)
    world.make()
    run = world.run
    otto = {"flow-failure": 1}  # until he has an address in the domain

    (tmp_path / "negative").mkdir()
    early = World.__new__(World)
    early.__dict__.update(world.__dict__, path=tmp_path / "negative")
    negative_start(early.make())

    assert run("london", "full-import") == {"stage-add": 8}
    assert run("rome", "full-import") == {"stage-add": 3}
    assert run("london", "delta-sync", status=1) == {
        "disconnector-filtered": 2, "disconnector-projected-flow": 5,
        "flow-failure": 1, "rome.provisioned-add-flow": 5}
    assert run("rome", "delta-sync") == {
        "disconnector-projected-flow": 3, "london.provisioned-add-flow": 3}
    assert world.types() == {"person": 6, "group": 1, "contact_london": 1}
    assert run("rome", "export") == {"export-add": 5}
    assert run("london", "export") == {"export-add": 3}
    assert run("rome", "delta-import") == {"stage-add": 5}
    assert run("london", "delta-import") == {"stage-add": 3}
    assert flows(run("london", "delta-sync", status=1)) == otto
    assert flows(run("rome", "delta-sync")) == {}
    assert run("rome", "export") == {}
    assert run("london", "export") == {}
    as_expected(world)

    staff = f"OU=Staff,{london.base}"
    # 1 and 2: hidden, and back again
    london.add(set_value(f"CN=Marco Rossi,{staff}",
                         "msExchHideFromAddressLists", "TRUE"))
    assert run("london", "delta-import") == {"stage-update": 1}
    assert run("london", "delta-sync", status=1) == {
        **otto, "connector-filtered-remove-mv": 1,
        "rome.provisioned-disconnect": 1}
    confirmed(world, "rome", "delete")
    assert sum(world.types().values()) == 7
    london.add(set_value(f"CN=Marco Rossi,{staff}",
                         "msExchHideFromAddressLists", None))
    assert run("london", "delta-import") == {"stage-update": 1}
    assert run("london", "delta-sync", status=1) == {
        **otto, "disconnector-projected-flow": 1,
        "rome.provisioned-add-flow": 1}
    confirmed(world, "rome", "add")
    assert sum(world.types().values()) == 8
    # 3: somebody deletes a contact
    london.add(f"dn: CN=Giulia Bianchi,OU=FromRome,{london.base}\n"
               "changetype: delete\n")
    assert run("london", "delta-import") == {"stage-delete": 1}
    assert run("london", "delta-sync", status=1) == {
        **otto, "connector-delete-leave-mv": 1,
        "london.provisioned-add-flow": 1}
    confirmed(world, "london", "add", sync=otto)
    # 4: another name
    giulia = f"CN=Giulia Verdi,OU=Personale,{rome.base}"
    rome.add(f"dn: CN=Giulia Bianchi,OU=Personale,{rome.base}\n"
             "changetype: modrdn\nnewrdn: CN=Giulia Verdi\ndeleteoldrdn: 1\n\n"
             + set_value(giulia, "sn", "Verdi")
             + set_value(giulia, "displayName", "Giulia Verdi"))
    assert run("rome", "delta-import") == {"stage-rename": 1}
    assert run("rome", "delta-sync") == {
        "connector-flow": 1, "london.provisioned-rename-flow": 1}
    confirmed(world, "london", "rename", sync=otto)
    # 5: an address in the domain
    london.add(change(f"CN=Odd Otto,{staff}", "add: proxyAddresses",
                      "proxyAddresses: smtp:otto@nwtraders.msft"))
    assert run("london", "delta-import") == {"stage-update": 1}
    assert run("london", "delta-sync") == {
        "disconnector-projected-flow": 1, "rome.provisioned-add-flow": 1}
    confirmed(world, "rome", "add")
    assert world.in_rome("targetAddress")["Odd Otto"]["targetAddress"] == [
        "SMTP:otto@nwtraders.msft"]
    assert sum(world.types().values()) == 9
    # 6: a contact that was published goes
    london.add(f"dn: CN=Supplier Sue,OU=Contacts,{london.base}\n"
               "changetype: delete\n")
    assert run("london", "delta-import") == {"stage-delete": 1}
    assert run("london", "delta-sync") == {
        "connector-delete-remove-mv": 1, "rome.provisioned-disconnect": 1}
    confirmed(world, "rome", "delete")
    assert sum(world.types().values()) == 8
    assert len(world.in_rome()) == 5 and len(world.in_london()) == 3
    world.idle()

    # the store is lost: all contacts are known again by their X500 addresses
    (tmp_path / "again").mkdir()
    again = World.__new__(World)
    again.__dict__.update(world.__dict__, path=tmp_path / "again")
    again.make().cycle()
    assert sum(again.types().values()) == 8
    assert [run["profile"] for run in again.folder.json("runs")["runs"]
            if run["profile"] == "export"] == []
    again.idle()


def confirmed(world, agent, what, sync=None):
    """One change is written, and read back."""
    assert world.run(agent, "export") == {f"export-{what}": 1}
    assert world.run(agent, "delta-import") == {f"stage-{what}": 1}
    assert flows(world.run(agent, "delta-sync", status=bool(sync))) == \
        (sync or {})


def as_expected(world):
    """What lies in the containers of contacts after the first cycle."""
    found = world.in_rome()
    second = [name for name in found if name.startswith("Ann Adams (")]
    assert second in (["Ann Adams (IT)"], ["Ann Adams (Sales)"])
    assert sorted(found) == sorted(["Marco Rossi", "Sales Team",
                                    "Supplier Sue", "Ann Adams", *second])
    ann = next(one for one in found.values() if one["mailNickname"] == ["ann"])
    assert "contact" in ann["objectClass"]
    assert ann["mail"] == ["ann@nwtraders.msft"]
    assert ann["targetAddress"] == ["SMTP:ann@nwtraders.msft"]
    assert sorted(ann["proxyAddresses"]) == [
        "SMTP:ann@nwtraders.msft", "X500:/o=NW/ou=L/cn=ann",
        "smtp:aadams@nwtraders.msft"]
    assert ann["telephoneNumber"] == ["1"]
    assert ann["msExchOriginatingForest"] == ["nwtraders.msft"]
    assert found["Sales Team"]["targetAddress"] == [
        "SMTP:sales@nwtraders.msft"]
    assert "member" not in found["Sales Team"]
    assert found["Supplier Sue"]["targetAddress"] == [
        "SMTP:sue@supplier.example"]
    assert world.in_london()["Esterno Ugo"]["targetAddress"] == [
        "SMTP:ugo@partner.example"]


# --- settings ---


def signed(number):
    """As an attribute of 32 bits has it."""
    return [str(number - (1 << 32) if number >> 31 else number)]


ADMINS = "/o=RO/ou=First Administrative Group"


def test_settings(tmp_path, london, rome):
    """Routing, the way back of X500 addresses, delegation, several domains."""
    world = World(
        tmp_path, london, rome, "Settings",
        here="cross_forest_delegation: true\nx500_back_flow: true\n"
        "suffixes: ['@nwtraders.msft', '@branch.msft']",
        there=f"mail_routing: true\nadmin_group: {ADMINS}")
    staff, personale = (f"OU=Staff,{world.here}",
                        f"OU=Personale,{world.there}")
    master = bytes.fromhex("010500000000000515000000010000000200000003000000"
                           "e8030000")
    london.add(
        mailbox(london, f"CN=Ann,{staff}", "ann", "SMTP:ann@else.example",
                "smtp:ann@branch.msft", "smtp:ann@nwtraders.msft",
                userAccountControl=544)
        + mailbox(london, f"CN=Bo,{staff}", "Böß/1", "SMTP:bo@branch.msft",
                  legacyExchangeDN="/o=NW/ou=L/cn=bo"))
    rome.add(
        mailbox(rome, f"CN=Enabled,{personale}", "enabled",
                "SMTP:enabled@roma.italien", userAccountControl=544)
        + mailbox(rome, f"CN=Disabled,{personale}", "disabled",
                  "SMTP:disabled@roma.italien", userAccountControl=546)
        + mailbox(rome, f"CN=Linked,{personale}", "linked",
                  "SMTP:linked@roma.italien", userAccountControl=546,
                  msExchMasterAccountSid=master)
        + mailbox(rome, f"CN=Shared,{personale}", "shared",
                  "SMTP:shared@roma.italien", userAccountControl=546,
                  msExchMasterAccountSid=base64.b64decode(SELF))
        + mailbox(rome, f"CN=Room,{personale}", "room",
                  "SMTP:room@roma.italien", userAccountControl=546,
                  msExchRecipientDisplayType=7)
        + mail_group(f"CN=Security,{personale}", "security",
                     "SMTP:security@roma.italien", groupType=-2147483640)
        + mail_group(f"CN=List,{personale}", "list",
                     "SMTP:list@roma.italien")
        + entry(f"CN=Dynamic,{personale}", "msExchDynamicDistributionList",
                mailNickname="dynamic", displayName="Dynamic",
                proxyAddresses="SMTP:dynamic@roma.italien",
                legacyExchangeDN="/o=RO/cn=dynamic")
        + mail_user(f"CN=Ugo,{personale}", "ugo", "SMTP:ugo@partner.example",
                    "SMTP:ugo@partner.example", "smtp:ugo@roma.italien")
        + mail_user(f"CN=Pia,{personale}", "pia", "SMTP:pia@partner.example",
                    "SMTP:pia@partner.example"))
    world.make()
    world.cycle()
    world.idle()
    found = world.in_london()
    sids = {name: rome.search("(objectClass=*)", "objectSid",
                              base=f"CN={name},{personale}")
            [f"CN={name},{personale}"]["objectSid"]
            for name in ("Enabled", "Disabled", "Security")}
    assert {name: (one["msExchRecipientDisplayType"],
                   one.get("msExchMasterAccountSid"))
            for name, one in found.items()} == {
        "Enabled": (signed(0xc0000006), sids["Enabled"]),
        "Disabled": (signed(0x80000006), sids["Disabled"]),
        "Linked": (signed(0xc0000606), [master]),
        "Shared": (signed(0x80000006), None),
        "Room": (signed(0x80000706), sids_of(rome, "Room", personale)),
        "Security": (signed(0xc0000906), sids["Security"]),
        "List": (signed(0x80000106), None),
        "Dynamic": (signed(0x80000306), None),
        "Ugo": (signed(0x80000006), sids_of(rome, "Ugo", personale)),
        "Pia": (signed(0x80000006), sids_of(rome, "Pia", personale))}
    assert found["Linked"]["msExchMasterAccountHistory"] == [master]
    assert found["Ugo"]["targetAddress"] == ["SMTP:ugo@roma.italien"]
    assert found["Pia"]["targetAddress"] == ["SMTP:pia@partner.example"]
    assert found["Enabled"]["mAPIRecipient"] == ["TRUE"]
    assert found["Ugo"]["mAPIRecipient"] == ["FALSE"]

    found = world.in_rome()
    assert {one["targetAddress"][0] for one in found.values()} == {
        "SMTP:ann@nwtraders.msft", "SMTP:bo@branch.msft"}
    assert found["Ann"]["msExchRecipientDisplayType"] == signed(0x80000006)
    assert "msExchMasterAccountSid" not in found["Ann"]
    legacy = found["Ann"]["legacyExchangeDN"][0]
    assert re.fullmatch(ADMINS + "/cn=ann-[0-9a-f-]{36}", legacy)
    assert re.match(ADMINS + "/cn=Boss1-",
                    found["Bo"]["legacyExchangeDN"][0])
    old = {f"X500:{legacy}", "X500:/o=NW/ou=L/cn=ann"}
    assert old < set(found["Ann"]["proxyAddresses"])
    assert old < addresses(london, f"CN=Ann,{staff}")

    # hidden and back: the new contact answers for the old one as well
    london.add(set_value(f"CN=Ann,{staff}", "msExchHideFromAddressLists",
                         "TRUE"))
    world.cycle()
    assert "Ann" not in world.in_rome()
    assert old < addresses(london, f"CN=Ann,{staff}")
    london.add(set_value(f"CN=Ann,{staff}", "msExchHideFromAddressLists",
                         None))
    world.cycle()
    world.idle()
    ann = world.in_rome()["Ann"]
    new = f"X500:{ann['legacyExchangeDN'][0]}"
    assert new not in old
    assert old | {new} < set(ann["proxyAddresses"])
    assert old | {new} < addresses(london, f"CN=Ann,{staff}")


def sids_of(domain, name, container):
    dn = f"CN={name},{container}"
    return domain.search("(objectClass=*)", "objectSid",
                         base=dn)[dn]["objectSid"]


def addresses(domain, dn):
    found = domain.search("(objectClass=*)", "proxyAddresses", base=dn)
    return set(found[dn]["proxyAddresses"])


# --- who is published ---


def test_filters(tmp_path, london, rome):
    """Each reason not to be published, and what is an error."""
    world = World(tmp_path, london, rome, "Filters")
    staff, contacts_ou, target = (f"OU=Staff,{world.here}",
                                  f"OU=Contacts,{world.here}",
                                  f"OU=FromRome,{world.here}")

    def box(name, *proxies, **more):
        return mailbox(london, f"CN={name},{staff}", name,
                       *(proxies or [f"SMTP:{name}@nwtraders.msft"]), **more)

    def group(name, *proxies, **more):
        return mail_group(f"CN={name},{staff}", name,
                          *(proxies or [f"SMTP:{name}@nwtraders.msft"]),
                          **more)

    def contact(name, where=contacts_ou, **more):
        target_address = f"SMTP:{name}@else.example".replace(" ", "")
        return mail_contact(f"CN={name},{where}", name, target_address,
                            target_address, **more)

    filtered = (
        box("u1", msExchHideFromAddressLists="TRUE")
        + box("u2", legacyExchangeDN=None)
        + box("u3", msExchHomeServerName=None, homeMDB=None)
        + box("u4", proxyAddresses=[])
        + "".join(box(f"u5{i}", msExchRecipientTypeDetails=bits)
                  for i, bits in enumerate((0x1000000, 0x800000,
                                            0x20000000)))
        + group("g1", "smtp:g1@nwtraders.msft", "X500:/o=SMTP:x")
        + group("g2", msExchHideFromAddressLists="TRUE")
        + group("g3", legacyExchangeDN=None)
        + group("g4", proxyAddresses=[])
        + contact("c1", targetAddress=None)
        + contact("c2", msExchHideFromAddressLists="TRUE")
        + contact("c3", legacyExchangeDN=None)
        + contact("c4", proxyAddresses=[]))
    failing = (
        box("f1", "SMTP:f1@else.example")          # no address of the domain
        + group("f2", "SMTP:f2@notnwtraders.msft")
        + mailbox(london, f"CN=f3,{target}", "f3", "SMTP:f3@nwtraders.msft")
        + mail_group(f"CN=f4,{target}", "f4", "SMTP:f4@nwtraders.msft"))
    published = (
        box("p1", mail=None, msExchHideFromAddressLists="FALSE")
        + box("p2", msExchRecipientTypeDetails=1)
        + box("p3", homeMDB=None, targetAddress="SMTP:p3@else.example")
        + group("p4") + contact("p5")
        + entry(f"CN=p6,{staff}", "inetOrgPerson", sAMAccountName="filp6",
                mailNickname="p6", targetAddress="SMTP:p6@else.example",
                proxyAddresses="SMTP:p6@else.example",
                legacyExchangeDN="/o=NW/cn=p6"))
    elsewhere = contact("e1", where=staff) + contact("e2", where=target)
    # one that was made by hand, for Rome's Gina
    by_hand = contact("Gina by hand", where=target).replace(
        "proxyAddresses: ", "proxyAddresses: x500:/O=NW/ou=L/cn=GINA\n"
        "proxyAddresses: ")
    london.add(filtered + failing + published + elsewhere + by_hand)
    rome.add(mailbox(rome, f"CN=Gina,OU=Personale,{world.there}", "gina",
                     "SMTP:gina@roma.italien")
             + mailbox(rome, f"CN=p1 again,OU=Personale,{world.there}",
                       "again", "SMTP:again@roma.italien",
                       "X500:/o=nw/ou=L/cn=P1")
             + mailbox(rome, f"CN=e2,OU=Personale,{world.there}", "eva",
                       "SMTP:eva@roma.italien"))
    world.make()
    world.run("rome", "full-import")
    world.run("london", "full-import")
    assert flows(world.run("london", "full-sync", status=1)) == {
        "disconnector-filtered": 15, "flow-failure": 4,
        "disconnector-projected-flow": 6, "disconnector-remains": 3,
        "rome.provisioned-add-flow": 6}
    found = flows(world.run("rome", "full-sync", status=1))
    assert found == {"disconnector-projected-flow": 2, "flow-failure": 1,
                     "london.provisioned-add-flow": 1,
                     "london.provisioned-rename-flow": 1}
    told = world.folder.ok("errors").out
    assert "one recipient twice" in told
    assert "no SMTP address in the mail domains of this forest" in told
    assert "in the container of the contacts that stand for other" in told
    world.cycle(status=1)
    world.idle(status=1)
    assert sorted(world.in_rome()) == ["p1", "p2", "p3", "p4", "p5", "p6"]
    # taken over: its name, its addresses
    found = world.in_london()
    assert "Gina" in found and "Gina by hand" not in found
    assert found["Gina"]["targetAddress"] == ["SMTP:gina@roma.italien"]
    assert {one.lower() for one in found["Gina"]["proxyAddresses"]} == {
        "smtp:gina@roma.italien", "x500:/o=nw/ou=l/cn=gina",
        "x500:/o=nw/ou=l/cn=gina by hand"}
    # that name is taken by a contact that is none of ours
    assert found["e2"]["mailNickname"] == ["e2"]
    assert found["e2(1)"]["mailNickname"] == ["eva"]


# --- names ---


def test_names(tmp_path, london, rome):
    """Accents, departments, counters; a container whose name has everything
    in it that quotes are for."""
    odd = "OU=L'Aquila \\\"due\\\"\\, Est \\#1"
    world = World(tmp_path, london, rome, "Names",
                  there="target: '" + odd.replace("'", "''") + "'")
    rome.add(unit(f"{odd},{world.there}"))
    long = "A name of sixty-four characters that fills what there is of room"
    assert len(long) == 64
    london.add("".join(
        mailbox(london, f"CN={name},{where},{world.here}", nick,
                f"SMTP:{nick}@nwtraders.msft", department=department)
        for name, where, nick, department in (
            ("Muller", "OU=Staff", "muller", None),
            ("Müller", "OU=Staff", "mueller", None),
            ("Same", "OU=Staff", "s1", "Sales"),
            ("Same", "OU=Temp,OU=Staff", "s2", "Sales"),
            (long, "OU=Staff", "l1", "Sales"),
            (long, "OU=Temp,OU=Staff", "l2", "Sales"))))
    for name in ("A", "B"):
        london.add(unit(f"OU={name},OU=Staff,{world.here}") + "".join(
            mailbox(london, f"CN={cn},OU={name},OU=Staff,{world.here}",
                    f"{nick}{name}", f"SMTP:{nick}{name}@nwtraders.msft",
                    department=department)
            for cn, nick, department in (("Same", "s", "Sales"),
                                         (long, "l", "Sales"))))
    world.make()
    world.cycle()
    world.idle()
    found = contacts(rome, f"{odd},{world.there}")
    assert sorted(found) == sorted([
        "Muller", "Müller(mueller)", "Same", "Same (Sales)", "Same(1)",
        "Same(2)", long, long[:61] + "(1)", long[:61] + "(2)",
        long[:61] + "(3)"])


# --- what the documents say ---

COMMAND = re.compile(r"^    ((?:conjoin|cd) .+)$", re.M)
ANN = "CN=Ann Adams,OU=DaLondra,DC=roma,DC=italien"


class Reader:
    """Types the commands of a document, in its order."""

    def __init__(self, path, world):
        self.at = path
        self.folder = None
        self.world = world

    def fill_in(self):
        """What a reader puts into the sample: servers, accounts, who signed
        their certificates."""
        path = self.at / "settings.yaml"
        text = path.read_text()
        for domain, server in ((self.world.london, "dc1.nwtraders.msft"),
                               (self.world.rome, "dc1.roma.italien")):
            user = f"CN=conjoin,CN=Users,{domain.base}"
            assert f"ldaps://{server}" in text and user in text
            text = text.replace(f"ldaps://{server}",
                                f"{domain.tls_url}\n    ca_file: "
                                f"{domain.ca_file}")
            text = text.replace(user, domain.bind_dn)
        path.write_text(text)

    def type(self, text, status=None):
        """Runs all commands; the last one ends with this status."""
        out = ""
        commands = COMMAND.findall(text)
        assert commands
        for command in commands:
            if command.startswith("cd "):
                self.at = self.at / command[3:]
                self.folder = Folder(self.at)
                continue
            done = subprocess.run(
                f"exec {CONJOIN} {command.removeprefix('conjoin ')}",
                shell=True, cwd=self.at, check=False, text=True,
                input=PASSWORD + "\n", stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            last = command == commands[-1] and status is not None
            assert done.returncode == (status if last else 0), \
                f"{command}\n{done.stdout}"
            out += done.stdout
            if "--show-settings" in command:
                self.fill_in()
        return out


def test_documents(tmp_path, london, rome):
    """The tutorial and the how-to, typed."""
    for domain in (london, rome):
        for name in ("Staff", "Contacts", "FromRome", "Personale",
                     "DaLondra"):
            if domain.search(f"(ou={name})").get(f"OU={name},{domain.base}"):
                domain.client("ldapdelete", "-r", f"OU={name},{domain.base}")
    world = World(tmp_path, london, rome, "")
    people(world)
    text = (ROOT / "docs/tutorial-two-forests.md").read_text()
    parts = re.split(r"^## .*$", text, flags=re.M)[1:]
    shown = re.search(r"^```yaml\n(.*?)^```$", parts[0], re.M | re.S)[1]
    reader = Reader(tmp_path, world)
    first, rest = parts[0].split("Open `settings.yaml`")
    reader.type(first)
    for line in shown.splitlines():
        if "servers" not in line and "bind_dn" not in line:
            assert line in (tmp_path / "settings.yaml").read_text(), line
    reader.type(rest)
    out = reader.type(parts[1])
    assert "london: connected" in out and "rome: connected" in out
    before, narrowed = parts[2].split("Both forests are read")
    out = reader.type(before, status=1)
    assert ANN in out
    assert not world.in_rome()
    first, rest = parts[3].split("The command ends")
    reader.type(first, status=1)
    errors, then = rest.split("The usual one")
    out = reader.type(errors)
    assert "no SMTP address in the mail domains of this forest" in out
    out = reader.type(then)
    assert "Giulia" in out and ANN in out
    assert len(world.in_rome()) == 5 and len(world.in_london()) == 3
    staff = f"OU=Staff,{london.base}"
    london.add(set_value(f"CN=Marco Rossi,{staff}",
                         "msExchHideFromAddressLists", "TRUE"))
    rome.add(f"dn: CN=Supplier Sue,OU=DaLondra,{rome.base}\n"
             "changetype: delete\n")
    first, rest = parts[4].split("Who is hidden")
    reader.type(first, status=1)
    assert sorted(name for name in world.in_rome()
                  if not name.startswith("Ann Adams")) == [
        "Sales Team", "Supplier Sue"]
    reader.type(rest)

    text = (ROOT / "docs/how-to/address-list.md").read_text()
    london.add(change(f"CN=Odd Otto,{staff}", "add: proxyAddresses",
                      "proxyAddresses: smtp:otto@nwtraders.msft"))
    reader.type(text)
    assert "Odd Otto" in world.in_rome()
