"""Sets that change by value end where sets that are looked at as a whole do.

A directory with a group of many, and two targets of it. What happens to the
members is chosen at random, and which step is run next. All of it happens in
two copies of the folder: in one the steps may follow the values one by one, in
the other each of them has a reason to look at the group as a whole. After each
step both must have counted the same, and have the same pending.
CONJOIN_SEED and CONJOIN_ROUNDS choose other sequences, and more of them.

SPDX-License-Identifier: Apache-2.0
"""
import os
import random
import re
import sqlite3

import pytest

from helpers import Folder

FIRST = int(os.environ.get("CONJOIN_SEED", "1"))
ROUNDS = int(os.environ.get("CONJOIN_ROUNDS", "2"))
LENGTH = 70
AGENTS = ("dir", "other", "third")

CONFIG = """\
conjoin: 1
agents: [dir, other, third]
metaverse:
  person:
    attributes:
      uid:  { type: string, index: true }
      name: string
    delete: { when: projected }
  group:
    attributes:
      name:   string
      member: [reference]
      size:   integer
    delete: { when: projected }
"""
SOURCE = """\
type: ldif
connect: { path: data/dir.ldif, changes: data/changes.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    import: { uid: uid, name: displayName }
  group:
    type: groupOfNames
    metaverse: group
    project: true
    import: { name: cn, member: member%s }
guards:
  import: { deletions: off }
"""
WHOLE = ", size: 'IIF(Count([member]) > 1000, 1, 2)'"
TARGET = """\
type: ldif
connect: { path: out/%s.ldif%s }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision: { dn: '"uid=" & [uid] & ",o=%s"' }
    export: { displayName: name }
    deprovision: delete
  group:
    type: groupOfNames
    metaverse: group
    provision: { dn: '"cn=" & [name] & ",o=%s"' }
    export: { member: member, cn: name }
    deprovision: delete
guards:
  import: { deletions: off }
  export: { deletions: off }
"""
SETTLE = ("dir delta-import", "dir delta-sync", "other export",
          "other delta-import", "other delta-sync", "third export",
          "third full-import", "third delta-sync")
BEGIN = ("dir full-import", "dir full-sync", "other export",
         "other full-import", "other delta-sync", "third export",
         "third full-import", "third delta-sync")
ANY = SETTLE + ("dir delta-import", "dir delta-sync", "dir delta-sync",
                "dir full-import", "dir full-import", "dir full-sync",
                "other full-import", "other full-sync")


def person(who):
    return (f"objectClass: inetOrgPerson\nuid: {who}\n"
            f"displayName: {who.upper()}\n\n")


def by_name(path):
    """The entries of a file, each with its sorted lines."""
    entries = {}
    if path.exists():
        for block in path.read_text().split("\n\n"):
            lines = [line for line in block.split("\n")
                     if line and not line.startswith("#")]
            if lines:
                entries[lines[0].lower()] = sorted(lines[1:])
    return entries


class Pair:
    """The two folders, and what happens to both."""
    config = CONFIG
    source = SOURCE
    target = TARGET

    def __init__(self, path, seed):
        self.random = random.Random(seed)
        self.log = [f"seed {seed}"]
        self.folders = [Folder(path / "by-value"), Folder(path / "whole")]
        self.people = {f"p{i}" for i in range(3)} | self.listed()
        self.listed_members = set(sorted(self.listed())[:20])
        self.members = {"p0", "p1"}
        self.turn = 0
        for folder, whole in zip(self.folders, ("", WHOLE)):
            root = folder.path
            for name in ("agents", "data", "out"):
                (root / name).mkdir(parents=True)
            (root / "conjoin.yaml").write_text(self.config)
            (root / "agents/dir.yaml").write_text(self.source % whole)
            (root / "agents/other.yaml").write_text(
                self.target % ("other", ", changes: out/other-log.ldif", "other",
                          "other"))
            (root / "agents/third.yaml").write_text(
                self.target % ("third", "", "third", "third"))
            (root / "data/changes.ldif").write_text("")
        self.write_directory()

    @staticmethod
    def listed():
        """Whose membership changes in the file, not in the log."""
        return {f"f{i:02}" for i in range(24)}

    def write_directory(self):
        """The whole one is delivered by another spelling each time, so that
        its image has to be written."""
        self.turn += 1
        for i, folder in enumerate(self.folders):
            name = "CN" if i and self.turn % 2 else "cn"
            text = f"dn: {name}=g,o=x\nobjectClass: groupOfNames\ncn: g\n"
            for who in sorted(self.listed_members) + ["p0", "p1"]:
                text += f"member: uid={who},o=x\n"
            text += "\n"
            for who in sorted(self.listed() | {"p0", "p1", "p2"}):
                text += f"dn: uid={who},o=x\n{person(who)}"
            (folder.path / "data/dir.ldif").write_text(text)

    def append(self, text, whole=None):
        self.log.append(text.strip().replace("\n", "|"))
        for folder, change in zip(self.folders, (text, whole or text)):
            with open(folder.path / "data/changes.ldif", "a",
                      encoding="utf-8") as out:
                out.write(change)

    # ---- what may happen ----

    def change_members(self):
        for _ in range(self.random.randint(1, 2)):
            who = self.random.choice(sorted(self.people - self.listed()) +
                                     ["x1", "x2"])
            word = "delete" if who in self.members else "add"
            if self.random.random() < 0.1:
                word = self.random.choice(["add", "delete"])
            (self.members.add if word == "add"
             else self.members.discard)(who)
            head = "dn: cn=g,o=x\nchangetype: modify\n"
            body = f"{word}: member\nmember: uid={who},o=x\n-\n"
            self.append(head + body + "\n",
                        head + "replace: cn\ncn: g\n-\n" + body + "\n")

    def change_person(self):
        who = self.random.choice(["x1", "x2", "x3", "x4"])
        if who not in self.people:
            self.people.add(who)
            self.append(f"dn: uid={who},o=x\nchangetype: add\n{person(who)}")
        elif self.random.random() < 0.6:
            self.people.discard(who)
            if self.random.random() < 0.5 and who in self.members:
                self.members.discard(who)
                self.append("dn: cn=g,o=x\nchangetype: modify\n"
                            f"delete: member\nmember: uid={who},o=x\n-\n\n")
            self.append(f"dn: uid={who},o=x\nchangetype: delete\n\n")

    def rename_person(self):
        who = self.random.choice(["p0", "p2"])
        self.append(f"dn: uid={who},o=x\nchangetype: modify\n"
                    "replace: displayName\n"
                    f"displayName: N{self.random.randint(0, 99)}\n-\n\n")

    def change_file(self):
        for _ in range(self.random.choice([1, 1, 2, 8])):
            self.listed_members ^= {self.random.choice(sorted(self.listed()))}
        self.log.append(f"file {sorted(self.listed_members)}")
        self.write_directory()

    def take_in_target(self):
        """Somebody takes a member away in a target."""
        path = self.folders[0].path / "out/third.ldif"
        group = by_name(path).get("dn: cn=g,o=third", [])
        lines = [line for line in group if line.startswith("member")]
        if len(lines) < 2:
            return
        line = self.random.choice(lines)
        self.log.append(f"taken: {line}")
        for folder in self.folders:
            path = folder.path / "out/third.ldif"
            path.write_text(path.read_text().replace(line + "\n", ""))

    def change_target(self):
        """Somebody adds or takes one where changes are told by value."""
        logs = [f.path / "out/other-log.ldif" for f in self.folders]
        if not all(log.exists() for log in logs):
            return
        who = self.random.choice(["p0", "p1", "p2", "f00", "f01"])
        word = self.random.choice(["add", "delete"])
        self.log.append(f"other: {word} {who}")
        head = ("# type: groupOfNames\ndn: cn=g,o=other\n"
                "changetype: modify\n")
        body = f"{word}: member\nmember: uid={who},o=other\n-\n\n"
        for log, more in zip(logs, ("", "replace: cn\ncn: g\n-\n")):
            with open(log, "a", encoding="utf-8") as out:
                out.write(head + more + body)

    # ---- what is run, and compared ----

    def fail(self, text, both):
        pytest.fail("\n".join([text, *map(str, both), *self.log[-20:]]))

    def run(self, words):
        self.log.append(words)
        if words == "dir full-import":
            self.write_directory()
        both = []
        for folder in self.folders:
            done = folder.conjoin("run", *words.split(), "--json")
            assert done.out, f"{words}: {done}"
            step = done.json["steps"][-1]
            both.append((done.status, step["result"], step["counters"],
                         step["outbound"],
                         sorted(e["code"] for e in step.get("errors", []))))
        if both[0] != both[1]:
            self.fail(f"{words}: counted otherwise", both)

    def compare(self, *words):
        both = []
        for folder in self.folders:
            text = folder.conjoin(*words).out.replace(str(folder.path), "F")
            text = re.sub(r"since [0-9tz:-]+", "", text.lower())
            both.append([sorted(re.split(r" *(?:;|->) *", line))
                         for line in text.split("\n")])
        if both[0] != both[1]:
            self.fail(f"{words}: differs", both)

    def step(self):
        kind = self.random.random()
        if kind < 0.32:
            self.change_members()
        elif kind < 0.46:
            self.change_person()
        elif kind < 0.47:
            self.rename_person()
        elif kind < 0.50:
            self.change_file()
        elif kind < 0.53:
            self.take_in_target()
        elif kind < 0.57:
            self.change_target()
        else:
            self.run(self.random.choice(ANY))
            if self.random.random() < 0.2:
                for agent in AGENTS:
                    self.compare("pending", agent)
                    self.compare("search", "cs", agent)

    def settle(self):
        for _ in range(3):
            for words in ("dir full-import",) + SETTLE:
                self.run(words)
        for name in ("other", "third"):
            both = [by_name(folder.path / f"out/{name}.ldif")
                    for folder in self.folders]
            if both[0] != both[1]:
                self.fail(f"{name}: differs", both)


class FoundPair(Pair):
    """The members are looked up by their names, of which there are few: some
    have the same, some are had by nobody. A group without any is not wanted in
    the targets."""
    config = CONFIG.replace("name: string\n", "name: { type: string, "
                            "index: true }\n", 1)
    source = SOURCE.replace(
        "member: member%s", "member: { lookup: name, of: person, "
        "from: '[description]' }%s")
    target = TARGET.replace("[name] & \",o=%s\"' }",
                            "[name] & \",o=%s\"', require: [name, member] }")
    NAMES = [f"N{i}" for i in range(7)]
    wanted = {"P0", "P1", "N0", "N1", "N2"}

    def write_directory(self):
        super().write_directory()
        for folder in self.folders:
            path = folder.path / "data/dir.ldif"
            lines = [line for line in path.read_text().split("\n")
                     if not line.startswith("member:")]
            at = lines.index("objectClass: groupOfNames") + 1
            lines[at:at] = [f"description: {name}"
                            for name in sorted(self.wanted)]
            path.write_text("\n".join(lines))

    def change_members(self):
        if self.random.random() < 0.4:
            self.rename_person()
            return
        name = self.random.choice(self.NAMES + ["P0", "P1"])
        word = "delete" if name in self.wanted else "add"
        self.wanted = self.wanted ^ {name}
        self.append(f"dn: cn=g,o=x\nchangetype: modify\n{word}: description\n"
                    f"description: {name}\n-\n\n")

    def change_person(self):
        who = self.random.choice(["x1", "x2", "x3", "x4", "p1"])
        if who in self.people:
            self.people.discard(who)
            self.append(f"dn: uid={who},o=x\nchangetype: delete\n\n")
        else:
            self.people.add(who)
            text = person(who).replace(who.upper(),
                                       self.random.choice(self.NAMES))
            self.append(f"dn: uid={who},o=x\nchangetype: add\n{text}")

    def rename_person(self):
        who = self.random.choice(["p0", "p2", "x1", "x2"])
        self.append(f"dn: uid={who},o=x\nchangetype: modify\n"
                    "replace: displayName\ndisplayName: "
                    f"{self.random.choice(self.NAMES)}\n-\n\n")

    def change_file(self):
        self.write_directory()


@pytest.mark.parametrize("kind", [Pair, FoundPair])
@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_by_value_as_a_whole(tmp_path, seed, kind):
    pair = kind(tmp_path, seed)
    for words in BEGIN:
        pair.run(words)
    for _ in range(LENGTH):
        pair.step()
    pair.settle()


def rows(folder):
    """Values that lie beside the images."""
    with sqlite3.connect(folder.path / "state/conjoin.db") as store:
        return store.execute("SELECT count(*) FROM member").fetchone()[0]


def test_a_member_goes_or_comes_later(tmp_path):
    pair = Pair(tmp_path, 0)
    by_value, whole = pair.folders
    for words in BEGIN:
        pair.run(words)
    pair.append("dn: uid=p1,o=x\nchangetype: delete\n\n")
    pair.run("dir delta-import")
    pair.run("dir delta-sync")
    # one less in the metaverse's set and in each target's, and since when
    assert rows(by_value) == 4
    assert rows(whole) == 0
    pair.append("dn: uid=p1,o=x\nchangetype: add\n" + person("p1"))
    pair.run("dir delta-import")
    pair.run("dir delta-sync")
    # the account that goes, and the one that takes its place
    assert rows(by_value) > 0
    for agent in AGENTS:
        pair.compare("pending", agent)
    pair.settle()


def test_who_was_looked_up_goes(tmp_path):
    pair = FoundPair(tmp_path, 0)
    by_value, whole = pair.folders
    for words in BEGIN:
        pair.run(words)
    pair.append("dn: uid=p1,o=x\nchangetype: delete\n\n")
    pair.run("dir delta-import")
    pair.run("dir delta-sync")
    assert rows(by_value) == 4
    assert rows(whole) == 0
    # another one has the name now, and is found by it
    pair.append("dn: uid=x1,o=x\nchangetype: add\n"
                + person("x1").replace("X1", "P1"))
    pair.run("dir delta-import")
    pair.run("dir delta-sync")
    found = by_value.json("search", "mv", "group")["objects"]
    assert [len(each["attributes"]["member"]) for each in found] == [2]
    for agent in AGENTS:
        pair.compare("pending", agent)
    # a group must have a member: the last one goes
    for who in ("x1", "p0"):
        pair.append(f"dn: uid={who},o=x\nchangetype: delete\n\n")
        pair.run("dir delta-import")
        pair.run("dir delta-sync")
        for agent in AGENTS:
            pair.compare("pending", agent)
    pair.settle()
