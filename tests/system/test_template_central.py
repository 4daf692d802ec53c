"""The templates ocs-central-forest and exchange-resource-forest, and one address
list, with three Active Directory forests (Samba).

SPDX-License-Identifier: Apache-2.0
"""
import base64
import datetime
import os

from forests import (change, counts, entry, flows, forest,
                 made_from, mail_contact, mail_group, mailbox, set_value, unit,
                 units)

SELF = base64.b64decode("AQEAAAAAAAUKAAAA")  # S-1-5-10


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
    time = datetime.datetime.utcnow() + datetime.timedelta(days=31)
    folder.ok("cycle", env={
        **os.environ, "CONJOIN_FAKE_TIME": f"{time:%Y-%m-%dT%H:%M:%SZ}"})
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
