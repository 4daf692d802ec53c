"""The steps of bench.py against a real slapd.

A server of its own, started by tools/slapd.sh, with the people of the company
as entries: read by an import beside ldapsearch, written by an export beside
the asynchronous adds of limits_ldap.c. At most PEOPLE of them, whatever the
size of the company.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import people

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools/slapd.sh"
PEOPLE = 100000
SUFFIX = "dc=contoso,dc=test"
PAGE = 1000         # of the connector: page_size
OUTSTANDING = 64    # of the connector: operations
CONF = f"maxsize {32 << 30}\n"

SOURCE = """\
conjoin: 1
store: sqlite:state/conjoin.db
agents: [directory]
metaverse:
  person:
    attributes:
      manager: reference
      {types}
"""
CONNECT = """\
type: ldap
connect:
  servers: ['{url}']
  bind_dn: '{bind}'
  password: file:password
  security: none
  base: {suffix}
"""
SOURCE_RULES = """\
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    import:
      {flows}
"""


def flows():
    """LDAP attribute -> what stands behind it, of the company's directory."""
    text = people.DIRECTORY.split("export:\n")[1].split("    deprovision")[0]
    return dict(re.findall(r"^ +(\w+): +(.*)$", text, re.MULTILINE))


def entry_of(row, logins):
    """What the rules of the company make of a row."""
    name = f"{row['first']} {row['last']}"
    entry = {
        "employeeNumber": row["id"], "givenName": row["first"],
        "sn": row["last"], "cn": name, "displayName": name,
        "initials": row["initials"], "title": row["title"],
        "departmentNumber": f"{row['department']}-{row['cost_center']}",
        "o": row["company"], "ou": row["division"],
        "physicalDeliveryOfficeName": row["office"], "street": row["street"],
        "l": row["city"], "postalCode": row["postal_code"],
        "st": row["country"], "telephoneNumber": row["phone"],
        "mobile": row["mobile"], "employeeType": row["employee_type"],
        "mail": row["login"].lower() + "@contoso.test",
    }
    if row["manager_id"]:
        entry["manager"] = dn_of(logins[row["manager_id"]])
    return entry


def dn_of(login):
    return f"uid={login},ou=people,{SUFFIX}"


def write_entries(rows, path):
    """The people as LDIF, their container first."""
    logins = {row["id"]: row["login"] for row in rows}
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\n"
                  "ou: people\n\n")
        for row in rows:
            out.write(f"dn: {dn_of(row['login'])}\n"
                      "objectClass: inetOrgPerson\n"
                      f"uid: {row['login']}\n")
            for name, value in entry_of(row, logins).items():
                out.write(f"{name}: {value}\n")
            out.write("\n")


class Slapd:
    """Its folder and how it is reached."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "extra.conf").write_text(CONF, encoding="utf-8")
        self.env = {}
        self.start()

    def tool(self, verb, *words):
        done = subprocess.run([str(TOOL), verb, str(self.folder), *words],
                              text=True, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def start(self):
        self.env = self.tool("start", "--suffix", SUFFIX, "--conf",
                             str(self.folder / "extra.conf"))

    def stop(self):
        self.tool("stop")

    def fill(self, path):
        """With the entries of this file and nothing else."""
        self.stop()
        shutil.rmtree(self.folder / "db")
        self.start()    # makes the suffix
        self.stop()
        slapadd = shutil.which("slapadd",
                               path=os.environ["PATH"] + ":/usr/sbin")
        subprocess.run([slapadd, "-q", "-f", str(self.folder / "slapd.conf"),
                        "-b", SUFFIX, "-l", str(path)], check=True)
        self.start()

    def search_words(self, attributes):
        return ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-E",
                f"pr={PAGE}/noprompt", "-H", self.env["LDAP_URL"], "-D",
                self.env["LDAP_BIND_DN"], "-w", self.env["LDAP_PASSWORD"],
                "-b", SUFFIX, "(objectClass=*)", *attributes]


class DirectorySteps:
    """Of class Bench: ldap-import, ldap-import-unchanged, ldap-export."""

    def open_directory(self):
        """The server, the entries and both companies: made when asked for."""
        if self.slapd:
            return
        folder = self.work / "ldap"
        folder.mkdir()
        self.ldap_size = min(self.size, PEOPLE)
        people.write(folder / "hr.csv", people.FIELDS,
                     people.People(random.Random(self.size), self.ldap_size))
        with open(folder / "hr.csv", encoding="utf-8", newline="") as file:
            write_entries(list(csv.DictReader(file)), folder / "entries.ldif")
        with open(folder / "container.ldif", "w", encoding="utf-8") as out:
            write_entries_of_nobody(out)
        self.ldap_folder = folder
        self.slapd = Slapd(folder / "slapd")
        connect = CONNECT.format(url=self.slapd.env["LDAP_URL"],
                                 bind=self.slapd.env["LDAP_BIND_DN"],
                                 suffix=SUFFIX)
        self.write_source(folder / "source", connect)
        self.write_target(folder / "target", connect)

    def close_directory(self):
        if self.slapd:
            self.slapd.stop()

    def write_company(self, folder, files, database):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (folder / "password").write_text(
            self.slapd.env["LDAP_PASSWORD"] + "\n", encoding="utf-8")
        (folder / "password").chmod(0o600)
        self.place_store(folder, database)

    def write_source(self, folder, connect):
        names = [name for name in flows() if name != "manager"]
        types = "\n      ".join(f"{name}: string" for name in names)
        rules = "\n      ".join(f"{name}: {name}" for name in flows())
        self.write_company(folder, {
            "conjoin.yaml": SOURCE.format(types=types),
            "agents/directory.yaml":
                connect + SOURCE_RULES.format(flows=rules),
        }, "company_source")

    def write_target(self, folder, connect):
        rules = people.DIRECTORY[people.DIRECTORY.index("objects:"):]
        rules = rules.split("  group:\n")[0]
        self.write_company(folder, {
            "conjoin.yaml": people.GENERAL.replace("hr, groups, directory",
                                                   "hr, directory")
            .split("  group:\n")[0],
            "agents/hr.yaml": people.HR.replace(
                "  delta: { path: data/hr-delta.csv, change: change }\n", ""),
            "agents/directory.yaml": connect + rules,
        }, "company_target")
        (folder / "data").mkdir()
        shutil.copy(self.ldap_folder / "hr.csv", folder / "data/hr.csv")

    # ---- an import ----

    def fill_directory(self, name):
        """Empty but for the container, or with all entries: once."""
        if self.ldap_filled != name:
            self.slapd.fill(self.ldap_folder / f"{name}.ldif")
        self.ldap_filled = name

    def ldap_import(self):
        self.open_directory()
        self.fill_directory("entries")
        folder = self.ldap_folder / "source"
        self.empty_store(folder, "company_source")
        return self.conjoin("directory", "full-import", folder,
                            stage_add=self.ldap_size)

    def ldap_import_unchanged(self):
        self.open_directory()
        if self.ldap_filled != "entries":
            self.ldap_import()
        return self.conjoin("directory", "full-import",
                            self.ldap_folder / "source",
                            stage_no_change=self.ldap_size)

    def ldap_import_limit(self):
        """ldapsearch of the same attributes in the same pages, into nothing."""
        attributes = [*flows(), "uid", "objectClass", "structuralObjectClass",
                      "entryUUID"]
        begin = time.perf_counter()
        subprocess.run(self.slapd.search_words(attributes), check=True,
                       stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin

    ldap_import_unchanged_limit = ldap_import_limit

    # ---- an export ----

    def make_target(self):
        """Everybody waits to be exported."""
        folder = self.ldap_folder / "target"
        for agent, profile, expected in [
                ("directory", "full-import", {}),
                ("hr", "full-import", {"stage_add": self.ldap_size}),
                ("hr", "full-sync",
                 {"to_provisioned_add_flow": self.ldap_size})]:
            self.conjoin(agent, profile, folder, **expected)
        self.keep_store(folder, "company_target")

    def ldap_export(self):
        self.open_directory()
        self.ldap_filled = None
        self.fill_directory("container")
        folder = self.ldap_folder / "target"
        if self.has_kept_store(folder, "company_target"):
            self.take_kept_store(folder, "company_target")
        else:
            self.make_target()
        self.ldap_filled = "exported"
        return self.conjoin("directory", "export", folder,
                            export_add=self.ldap_size)

    def ldap_export_limit(self):
        """The same adds by a loop that has as many outstanding."""
        self.ldap_filled = None
        self.fill_directory("container")
        self.ldap_filled = "exported"
        env = self.slapd.env
        return self.limit("adds", env["LDAP_URL"], env["LDAP_BIND_DN"],
                          env["LDAP_PASSWORD"],
                          self.ldap_folder / "entries.ldif", OUTSTANDING)


def write_entries_of_nobody(out):
    out.write(f"dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\n"
              "ou: people\n")
