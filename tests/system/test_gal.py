"""Two forests, one address list: the template two-forest-gal against two Active
Directory forests (Samba) with Exchange's attributes, London and Rome.

SPDX-License-Identifier: Apache-2.0
"""
import re

import pytest

from gal import (change, counts, entry, extend_schema, forest, made_from,
                 mail_contact, mail_group, mail_user, mailbox, set_value,
                 unit, units)

SELF = "AQEAAAAAAAUKAAAA"  # S-1-5-10


@pytest.fixture(scope="module")
def london(make_samba):
    return extend_schema(make_samba("NWTRADERS.MSFT", "127.0.0.61"))


@pytest.fixture(scope="module")
def rome(make_samba):
    return extend_schema(make_samba("ROMA.ITALIEN", "127.0.0.62"))


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


def confirmed(world, agent, what, sync=None):
    """One change is written, and read back."""
    assert world.run(agent, "export") == {f"export-{what}": 1}
    assert world.run(agent, "delta-import") == {f"stage-{what}": 1}
    assert flows(world.run(agent, "delta-sync", status=bool(sync))) == \
        (sync or {})


def flows(found):
    """Without what stayed as it was."""
    return {name: count for name, count in found.items()
            if not name.endswith("no-flow")}


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
