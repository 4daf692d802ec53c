#!/usr/bin/env python3
"""The demonstration behind `./dev demo` and `./dev demo ldap`.

Runs in a fresh copy of examples/demo, shows each command before it runs it,
and looks into the directory itself for the effects that it promises: a missing
one ends the demonstration with a message and exit status 1.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap

import ldifread

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUFFIX = "dc=contoso,dc=test"
PEOPLE = "ou=people," + SUFFIX
BOLD, DIM, OFF = ("\033[1m", "\033[2m", "\033[0m") \
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "", "")


class Failed(Exception):
    """What was expected and did not happen."""


def say(text):
    print()
    print(textwrap.fill(" ".join(text.split()), 78))


def title(text):
    print(f"\n{BOLD}== {text}{OFF}")


def check(truth, text):
    if not truth:
        raise Failed(text)
    print(f"{DIM}   as expected: {text}{OFF}")


class FileDirectory:
    """The target is an LDIF file and a file of changes."""

    def __init__(self, folder):
        self.content = folder / "out/directory.ldif"
        self.changes = folder / "out/changes.ldif"

    def read(self):
        return ldifread.read_files(self.content, self.changes)

    def show_entry(self, dn):
        print(f"{BOLD}$ less out/directory.ldif{OFF}")
        for record in self.content.read_text().split("\n\n"):
            if f"dn: {dn}\n" in record + "\n":
                print(record)

    def show_changes(self):
        say("""In the directory's file of changes stands exactly what was
            written, and nothing else:""")
        print(f"{BOLD}$ cat out/changes.ldif{OFF}")
        print(self.changes.read_text().rstrip())

    def stop(self):
        pass


class LdapDirectory:
    """The target is a private OpenLDAP server below the demo's folder."""

    def __init__(self, folder):
        self.folder = folder / "slapd"
        extra = ROOT / "examples/demo-ldap/slapd.conf"
        out = subprocess.run(
            [ROOT / "tools/slapd.sh", "start", self.folder, "--suffix",
             SUFFIX, "--conf", extra],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        self.settings = dict(line.split("=", 1) for line in out.splitlines())
        agent = folder / "agents/directory.yaml"
        agent.write_text(agent.read_text().replace(
            "ldap://127.0.0.1:3890", self.settings["LDAP_URL"]))
        os.environ["DEMO_LDAP_PASSWORD"] = self.settings["LDAP_PASSWORD"]
        subprocess.run(
            ["ldapadd", "-x", "-H", self.settings["LDAP_URL"],
             "-D", self.settings["LDAP_BIND_DN"],
             "-w", self.settings["LDAP_PASSWORD"],
             "-f", ROOT / "examples/demo-ldap/base.ldif"],
            check=True, stdout=subprocess.DEVNULL)

    def search(self, *words):
        return ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no",
                "-H", self.settings["LDAP_URL"], "-b", SUFFIX, *words]

    def read(self):
        out = subprocess.run(self.search(), check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        return ldifread.read(out)

    def show(self, *words):
        command = self.search(*words)
        print(f"{BOLD}$ {shlex.join(command)}{OFF}", flush=True)
        subprocess.run(command, check=True)

    def show_entry(self, dn):
        self.show("-s", "base", "-b", dn)

    def show_changes(self):
        say("The server has them now:")
        self.show("(|(employeeNumber=1011)(employeeNumber=1012)"
                  "(employeeNumber=1013)(employeeNumber=1301))",
                  "dn", "title", "uid", "mail")

    def stop(self):
        subprocess.run([ROOT / "tools/slapd.sh", "stop", self.folder],
                       check=False)


class Demo:
    def __init__(self, folder, directory, program):
        self.folder = folder
        self.directory = directory
        self.program = program

    def conjoin(self, *words):
        print(f"\n{BOLD}$ conjoin {shlex.join(words)}{OFF}", flush=True)
        ret = subprocess.run([self.program, *words], cwd=self.folder,
                             check=False).returncode
        if ret:
            raise Failed(f"'conjoin {shlex.join(words)}' "
                         f"ended with exit status {ret}")

    def active(self, name):
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file)
                    if row["status"] != "T"]

    def first_load(self):
        title("1. Three systems become one directory")
        people = self.active("data/hr.csv")
        say(f"""The HR system knows {len(people)} people that work here, the
            telephone system their extensions, a list of teams who works with
            whom. The directory is empty. The rules that tie them together are
            a folder of YAML files; first let us see that nothing is wrong
            with them.""")
        self.conjoin("check")
        say("""One cycle imports all of them, joins what belongs to the same
            person, works out what the directory should hold, writes it, and
            reads it back to be sure.""")
        self.conjoin("cycle")
        entries = self.directory.read()
        found = entries.having("objectClass", "inetOrgPerson")
        check(len(found) == len(people),
              f"{len(people)} people are in the directory")
        check(len(entries.having("objectClass", "groupOfNames")) ==
              len((self.folder / "data/teams.csv").read_text().splitlines())
              - 1, "each team is a group there")
        check(entries.entry(f"cn=Anna Schmidt 2,{PEOPLE}"),
              "of two people called Anna Schmidt the second got a name "
              "of her own")

    def look(self):
        title("2. What it made")
        say("""Maria Keller, as the directory has her now: her name comes from
            HR, her telephone number from the telephone system, her login name
            was made up and is kept for ever.""")
        dn = f"cn=Maria Keller,{PEOPLE}"
        self.directory.show_entry(dn)
        entry = self.directory.read().entry(dn) or {}
        check(entry.get("uid") == ["mkeller"], "her login name is mkeller")
        check(entry.get("telephonenumber", [""])[0].startswith("+49 30 1234-"),
              "her number is that of the telephone system")
        say("The joined identities are the metaverse. There she is, with the "
            "records of each system that she was joined from:")
        self.conjoin("search", "mv", "person", "displayName=Maria Keller")

    def changes(self):
        title("3. A day later")
        say("""Clara Neumann was promoted to Sales Manager. Maria Keller
            married and is Maria Sommer now. Jonas Brandt has left. Nora Winter
            begins. The HR system delivers these changes as a file:""")
        print(f"{BOLD}$ cp changes/*.csv data/{OFF}")
        for file in (self.folder / "changes").glob("*.csv"):
            shutil.copy(file, self.folder / "data")
        print(f"{BOLD}$ cat data/hr-delta.csv{OFF}")
        print((self.folder / "data/hr-delta.csv").read_text().rstrip())
        self.conjoin("cycle")
        self.directory.show_changes()
        self.check_changes()

    def check_changes(self):
        entries = self.directory.read()
        clara = entries.entry(f"cn=Clara Neumann,{PEOPLE}") or {}
        maria = entries.entry(f"cn=Maria Sommer,{PEOPLE}") or {}
        nora = entries.entry(f"cn=Nora Winter,{PEOPLE}") or {}
        falcon = entries.entry(f"cn=Falcon,ou=groups,{SUFFIX}") or {}
        members = {dn.lower() for dn in falcon.get("member", [])}
        check(clara.get("title") == ["Sales Manager"],
              "Clara Neumann has her new title")
        check(maria.get("uid") == ["mkeller"] and
              not entries.entry(f"cn=Maria Keller,{PEOPLE}"),
              "Maria's entry was renamed, her login name stayed")
        check(f"cn=maria sommer,{PEOPLE}" in members and
              f"cn=maria keller,{PEOPLE}" not in members,
              "her team knows her under the new name")
        check(not entries.entry(f"cn=Jonas Brandt,{PEOPLE}") and
              f"cn=jonas brandt,{PEOPLE}" not in members,
              "Jonas Brandt is gone, from his team too")
        check(nora.get("mail") == ["nwinter@contoso.test"],
              "Nora Winter has an entry with a mail address")

    def why(self):
        title("4. Why?")
        say("""Every value and every tie can tell where it came from: which
            system, which rule, when. Why does Clara Neumann have this
            telephone number, although HR has another?""")
        self.conjoin("explain", "employeeID=1011", "telephoneNumber")
        say("A cycle that finds nothing new writes nothing:")
        before = self.directory.read()
        self.conjoin("cycle")
        check(self.directory.read() == before,
              "the directory is as it was")

    def tell(self):
        self.first_load()
        self.look()
        self.changes()
        self.why()


def next_steps(folder, program, ldap):
    title("What to try next")
    print(textwrap.dedent(f"""
        This demonstration's folder is kept; look around in it:

            cd {folder}
            alias conjoin={program}
            conjoin runs                         what was run, with counters
            conjoin search cs phone --state disconnector   lines of nobody
            conjoin explain employeeID=1012      all about Maria Sommer
            conjoin preview hr 1013              what would a sync do?

        Change a title in data/hr.csv and run `conjoin run hr full-import`,
        then `conjoin pending`: what is about to happen is seen before it does.
        The rules are in agents/*.yaml; docs/tutorial.md goes through them.
        """))
    if ldap:
        print("The server was stopped. To have it back:\n\n"
              f"    {ROOT}/tools/slapd.sh start {folder}/slapd\n"
              "    export DEMO_LDAP_PASSWORD=secret\n")


def main():
    ldap = sys.argv[1:] == ["ldap"]
    if sys.argv[1:] and not ldap:
        sys.exit("usage: ./dev demo [ldap]")
    program = os.environ.get("CONJOIN", str(ROOT / "build/conjoin"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="conjoin-demo-"))
    shutil.copytree(ROOT / "examples/demo", folder, dirs_exist_ok=True)
    if ldap:
        shutil.copytree(ROOT / "examples/demo-ldap/agents", folder / "agents",
                        dirs_exist_ok=True)
    directory = LdapDirectory(folder) if ldap else FileDirectory(folder)
    try:
        Demo(folder, directory, program).tell()
        next_steps(folder, program, ldap)
    except Failed as error:
        print(f"\ndemo: missing: {error}\ndemo: its folder is {folder}",
              file=sys.stderr, flush=True)
        return 1
    finally:
        directory.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
