"""Forests with Exchange's attributes, and what lies in them, for the tests of
templates.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import subprocess
import sys

from helpers import ROOT, Folder, counted

PASSWORD = "Passw0rd!x"
NUMBERS = iter(range(1, 100000))  # account names are unique in a domain


def extend_schema(domain):
    """As Exchange's setup does, as far as address lists need it."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools/exchange_schema.py"), "--rtc",
         domain.base], check=True, stdout=subprocess.PIPE, text=True)
    domain.client("ldapmodify", ldif=made.stdout)
    return domain


def entry(dn, *classes, **values):
    """An entry of LDIF; a list is several values, None none."""
    lines = [f"dn: {dn}", *(f"objectClass: {one}" for one in classes)]
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, bytes):
                lines.append(f"{name}:: {base64.b64encode(one).decode()}")
            elif one is not None:
                lines.append(f"{name.replace('_', '-')}: {one}")
    return "\n".join(lines) + "\n\n"


def unit(dn):
    return entry(dn, "organizationalUnit")


def units(base, *names):
    return "".join(unit(f"{name},{base}") for name in names)


def change(dn, *lines):
    """modify: "replace: title", "title: x", ..."""
    return f"dn: {dn}\nchangetype: modify\n" + "\n".join(lines) + "\n-\n\n"


def set_value(dn, name, value):
    lines = [f"replace: {name}"] + ([f"{name}: {value}"] if value else [])
    return change(dn, *lines)


def account():
    return f"acc{next(NUMBERS)}"


def mail_of(nick, proxies):
    """What every mail object has."""
    primary = next((one[5:] for one in proxies if one.startswith("SMTP:")),
                   None)
    return {"mailNickname": nick, "proxyAddresses": list(proxies),
            "mail": primary, "displayName": nick.capitalize(),
            "legacyExchangeDN": f"/o=NW/ou=L/cn={nick}"}


def mailbox(domain, dn, nick, *proxies, **more):
    base = domain.base
    values = {"sAMAccountName": account(), **mail_of(nick, proxies),
              "homeMDB": f"CN=Services,CN=Configuration,{base}",
              "msExchHomeServerName": "/o=NW/ou=L/cn=server", **more}
    return entry(dn, "user", **values)


def mail_user(dn, nick, target, *proxies, **more):
    values = {"sAMAccountName": account(), **mail_of(nick, proxies),
              "targetAddress": target, **more}
    return entry(dn, "user", **values)


def mail_group(dn, nick, *proxies, **more):
    values = {"sAMAccountName": account(), "groupType": 8,
              **mail_of(nick, proxies), **more}
    return entry(dn, "group", **values)


def mail_contact(dn, nick, target, *proxies, **more):
    values = {**mail_of(nick, proxies), "targetAddress": target, **more}
    return entry(dn, "contact", **values)


def made_from(path, template, settings):
    """A folder made from a template with these settings, which `check`
    accepts."""
    folder = Folder(path / "conf")
    given = path / "given.yaml"
    given.write_text(f"template: {template}\n{settings}")
    folder.ok("init", "--settings", given)
    folder.write("password", PASSWORD + "\n")
    (folder.path / "password").chmod(0o600)
    found = folder.json("check", "--online")
    assert found["problems"] == []
    return folder


def counts(folder, agent, profile, status=0):
    """The counters of a run that are not 0; those of other agents that it
    synchronized to are `AGENT.COUNTER`."""
    found = {}
    for step in folder.json("run", agent, profile, status=status)["steps"]:
        found.update(counted(step))
        for name, counters in step["outbound"].items():
            for counter, count in counters.items():
                if count:
                    found[f"{name}.{counter}"] = count
    return found


def flows(found):
    """Counters without what stayed as it was."""
    return {name: count for name, count in found.items()
            if not name.endswith("no-flow")}


def forest(name, domain, base, **settings):
    """A forest of the settings; values as YAML."""
    values = {"name": name, "servers": domain.tls_url, "base": base,
              "bind_dn": domain.bind_dn, "password": "file:password",
              "ca_file": domain.ca_file, **settings}
    lines = [f"{key}: {value}" for key, value in values.items()]
    return "  - " + "\n    ".join(lines) + "\n"
