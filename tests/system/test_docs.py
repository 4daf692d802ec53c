"""What the documents tell a reader to type does what they say.

SPDX-License-Identifier: Apache-2.0
"""
import re
import shlex
import shutil

import pytest

from helpers import ROOT, Folder

FILE = re.compile(r"^`([\w./-]+\.(?:yaml|csv|lua|ldif))`[^`]*?\n\n```\w*\n(.*?)^```$",
                  re.M | re.S)
SHOWN = re.compile(r"^    conjoin (.+?)(?:\s{2,}#.*)?$", re.M)


def sections(name):
    """Title -> text of the second-level sections of a document."""
    text = (ROOT / name).read_text(encoding="utf-8")
    parts = re.split(r"^## (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def follow(folder, text):
    """Makes the files and runs the commands of a text, in its order."""
    steps = [(m.start(), "file", m) for m in FILE.finditer(text)]
    steps += [(m.start(), "command", m) for m in SHOWN.finditer(text)]
    for _, kind, found in sorted(steps, key=lambda step: step[0]):
        if kind == "file":
            folder.write(found.group(1), found.group(2))
        elif re.search(r"\b[A-Z]+\b", found.group(1)) is None:
            folder.ok(*shlex.split(found.group(1)))


def people(folder):
    return sorted(obj["attributes"]["displayName"][0]
                  for obj in folder.json("search", "mv", "person")["objects"])


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """A folder at the end of the tutorial's third section."""
    folder = Folder(tmp_path_factory.mktemp("tutorial"))
    parts = sections("docs/tutorial.md")
    follow(folder, parts["1. A source"])
    follow(folder, parts["2. Into the metaverse"])
    assert people(folder) == ["Ada Larkin", "Ben Osei", "Cleo Marsh"]
    folder.replace("conjoin.yaml", "agents: [hr]", "agents: [hr, directory]")
    follow(folder, parts["3. A target"])
    return folder


def test_tutorial(tutorial):
    entries = tutorial.ldif("out/directory.ldif")
    assert sorted(entries) == [
        f"cn={name},ou=people,dc=corp,dc=test"
        for name in ("ada larkin", "ben osei", "cleo marsh")]
    tutorial.replace("data/hr.csv", "Chemist", "Head of Laboratory")
    tutorial.replace("data/hr.csv", "Cleo,Marsh", "Cleo,Reed")
    tutorial.replace("data/hr.csv",
                     "4,Dirk,Old,Sales,Account Manager,3,T\n", "")
    follow(tutorial, sections("docs/tutorial.md")["4. Every day"])
    entries = tutorial.ldif("out/directory.ldif")
    assert not entries.entry("cn=Cleo Marsh,ou=people,dc=corp,dc=test")
    assert entries.entry("cn=Cleo Reed,ou=people,dc=corp,dc=test")
    assert entries.entry("cn=Ben Osei,ou=people,dc=corp,dc=test")["title"] \
        == ["Head of Laboratory"]


def test_tutorial_accident(tutorial):
    """An emptied source stops its import and touches nobody."""
    before = tutorial.read("data/hr.csv")
    tutorial.write("data/hr.csv", before.splitlines(keepends=True)[0])
    tutorial.ok("cycle", status=3)
    assert len(tutorial.ldif("out/directory.ldif")) == 3
    tutorial.write("data/hr.csv", before)


def test_plan_howto(tutorial, tmp_path):
    shutil.copytree(tutorial.path, tmp_path / "company")
    folder = Folder(tmp_path / "company")
    text = (ROOT / "docs/how-to/plan.md").read_text(encoding="utf-8")
    shutil.copytree(folder.path, tmp_path / "conjoin-next",
                    ignore=shutil.ignore_patterns("state"))
    first, rest = text.split("## Another folder of rules")
    folder.ok("cycle")
    folder.write("agents/directory.yaml", re.sub(
        r"title: +title\b", "title: 'UCase([title])'",
        folder.read("agents/directory.yaml")))
    first, then = first.split("Nothing was written:")
    follow(folder, in_folder(first, folder))
    told = folder.ok("plan").out
    shown = first.split("```")[1].strip().splitlines()
    assert len(shown) > 5
    for line in shown[:3] + shown[4:-1]:
        assert line in told, told
    follow(folder, in_folder(then, folder))
    entries = folder.ldif("out/directory.ldif")
    assert entries.entry("cn=Ada Larkin,ou=people,dc=corp,dc=test")["title"] \
        == ["HEAD OF RESEARCH"]
    follow(folder, rest.replace("../conjoin-next",
                                str(tmp_path / "conjoin-next")))


def test_undo_howto(tutorial, tmp_path):
    shutil.copytree(tutorial.path, tmp_path / "company")
    folder = Folder(tmp_path / "company")
    text = (ROOT / "docs/how-to/undo.md").read_text(encoding="utf-8")
    folder.write("data/hr.csv", folder.read("data/hr.csv").replace(
        "Head of Laboratory", "Chemist"))
    folder.ok("cycle")
    before = folder.read("out/directory.ldif")
    folder.write("data/hr.csv", re.sub(
        "^1,.*\n", "", re.sub(r"^(2,(?:[^,]*,){3})[^,]*,", r"\g<1>Director,",
                              folder.read("data/hr.csv"), flags=re.M),
        flags=re.M))
    first, then = text.split("`conjoin runs` says")
    follow(folder, first)
    run = max(run["run"] for run in folder.json("runs")["runs"]
              if run["profile"] == "export")
    undo = folder.ok("undo", run, "--out", f"{folder.path}/out/an.undo",
                     "--html", f"{folder.path}/out/an-undo.html").out
    for line in then.split("```")[1].strip().splitlines():
        assert line == "..." or line.startswith("to write") or \
            line.replace("run 22", f"run {run}") in undo, (line, undo)
    taken, held = then.split("## What is held")
    follow(folder, re.sub(r"(?<= )out/(?=an)", f"{folder.path}/out/", taken))
    assert entries_of(folder.read("out/directory.ldif")) == \
        entries_of(before)
    shown = folder.ok("pending", "--held").out
    assert "Ada Larkin" in shown and "(delete)" in shown
    follow(folder, held)
    entries = folder.ldif("out/directory.ldif")
    assert entries.entry("cn=Ben Osei,ou=people,dc=corp,dc=test")["title"] \
        == ["Director"]
    assert entries.entry("cn=Ada Larkin,ou=people,dc=corp,dc=test")


def test_clean_up_howto(tmp_path):
    folder = Folder(tmp_path)
    text = (ROOT / "docs/how-to/clean-up.md").read_text(encoding="utf-8")
    text = re.sub(r"(?<= )(values|back)\.(?=csv|plan|html)",
                  rf"{tmp_path}/\1.", text)
    first, rest = text.split("## Decide")
    follow(folder, first)
    before = folder.read("data/ad.ldif")
    found = folder.ok("cleanup", "ad", "--checks", "m365").out
    for line in first.split("```")[-2].strip().splitlines():
        assert line in found, found
    decide, rest = rest.split("## See what it comes to")
    follow(folder, decide)
    rows = folder.read("values.csv")
    undecided = "Duplicate,ben@contoso.com,,,"
    rows = rows.replace(undecided, "Duplicate,ben@contoso.com,,COMPLETE,", 1)
    folder.write("values.csv", rows.replace(
        undecided, "Duplicate,ben@contoso.com,BEN@contoso.com,EDIT,"))
    words = ["cleanup", "ad", "--from", folder.path / "values.csv"]
    left_out = rest.split("```")[3].strip()
    assert left_out in folder.ok(*words, status=1).out
    folder.write("values.csv", rows.replace(
        undecided, "Duplicate,ben@contoso.com,room12@contoso.com,EDIT,"))
    planned = folder.ok(*words).out
    for line in rest.split("```")[1].strip().splitlines():
        assert line == "..." or line in planned, planned
    see, rest = rest.split("## Write it")
    follow(folder, see)
    assert folder.read("data/ad.ldif") == before
    write, back = rest.split("## Take it back")
    follow(folder, write)
    assert not folder.json("cleanup", "ad", "--checks", "m365")["rows"]
    run = max(run["run"] for run in folder.json("runs")["runs"]
              if run["profile"] == "export")
    follow(folder, back.replace("RUN", str(run)))
    assert entries_of(folder.read("data/ad.ldif").strip()) == \
        entries_of(before.strip())


def entries_of(text):
    return sorted(sorted(block.splitlines()) for block in text.split("\n\n"))


def in_folder(text, folder):
    """Files named beside the folder are in it."""
    return re.sub(r"(?<= )out/(?=titles)", f"{folder.path}/out/", text)


def test_leavers_howto(tutorial):
    tutorial.replace("conjoin.yaml", "title:       string",
                     "title:       string\n      endDate:     datetime")
    tutorial.replace("agents/hr.yaml", "title:       title",
                     "title:       title\n      endDate:     end")
    lines = tutorial.read("data/hr.csv").splitlines()
    ends = [",end"] + [",2020-01-01" if ",Ben," in line else
                       ",2099-01-01" if ",Cleo," in line else ","
                       for line in lines[1:]]
    tutorial.write("data/hr.csv", "".join(
        line + end + "\n" for line, end in zip(lines, ends)))
    follow(tutorial, (ROOT / "docs/how-to/leavers.md").read_text())
    assert [(due["what"], due["why"][:14]) for due in
            tutorial.json("pending", "--due")["due"]] == [
                ("deprovision", "then delete"), ("rules", "IsNullOrEmpty(")]
    entries = tutorial.ldif("out/directory.ldif")
    assert len(entries) == 3
    assert entries.entry("cn=Ben Osei,ou=people,dc=corp,dc=test")["title"] \
        == ["disabled"]


def test_lua(tmp_path):
    """Each example is part of a folder that does what is said."""
    folder = Folder(tmp_path)
    text = (ROOT / "docs/reference/lua.md").read_text(encoding="utf-8")
    follow(folder, text)
    found = {obj["attributes"]["employeeID"][0]: obj["attributes"]
             for obj in folder.json("search", "mv", "person")["objects"]}
    assert {key: found[key]["displayName"] for key in found} == \
        {"1": ["Ann van Aken"], "2": ["Ben Osei"], "5": ["Ben Osei"]}
    assert found["1"]["mails"] == ["a@corp.test"]
    assert found["1"]["title"] == ["Head"]
    assert not found["2"].get("title")
    assert [found[key]["room"] for key in "125"] == [["7"], ["8"], ["9"]]
    entries = folder.ldif("out/directory.ldif")
    name = "cn=Ann van Aken 1,ou=People,dc=corp,dc=test"
    assert entries.entry(name)["description"] == ["7"]
    folder.replace("data/hr.csv", "1,staff,Ann,van AKEN,a@corp.test; "
                   "A@corp.test,Head,7\n", "")
    folder.replace("data/phone.csv", "101,Ben Osei,9", "101,Ben Osei,B/9")
    folder.replace("data/hr.csv", "b5@corp.test,Guest,9",
                   "b5@corp.test,see contract,10")
    folder.ok("cycle")
    found = {obj["attributes"].get("employeeID", ["-"])[0]: obj["attributes"]
             for obj in folder.json("search", "mv", "person")["objects"]}
    assert sorted(found) == ["-", "2", "5"], "the phone book has Ann still"
    assert found["5"]["room"] == ["B/9"]
    assert found["5"]["title"] == ["Guest"]
    written = "".join(found.group(2) for found in FILE.finditer(text)
                      if found.group(1).endswith(".yaml"))
    short = re.findall(r"^```yaml\n((?!conjoin:|type:).*?)^```$", text,
                       re.M | re.S)
    assert short
    for line in "".join(short).splitlines():
        assert line in written, line


def test_secrets_howto(tutorial):
    tutorial.ok("secret", "set", "directory", stdin="x\n")
    tutorial.ok("secret", "list")
    tutorial.ok("secret", "delete", "directory")


# What a scenario is about may be worth a warning.
WARNED = {"r26-export-values": ["the condition of this rule is never true: "
                                "it writes nothing"],
          "r28-not-above-its-source": ["'telephoneNumber' is read here above "
                                       "'hr', so what 'hr' gives is never "
                                       "written to [number] (line 9); rank "
                                       "'hr' above in 'precedence', or give "
                                       "new objects a value with 'initial'"]}


def test_connect_howto(tmp_path, make_slapd):
    """A file, then a directory that has the same people."""
    folder = Folder(tmp_path / "mine")
    text = (ROOT / "docs/how-to/connect.md").read_text(encoding="utf-8")
    first, then = text.split("## A directory")
    folder.path.mkdir()
    follow(folder, first)
    written = folder.read("agents/hr.yaml")
    assert written.split("\n", 1)[1] == first.split("```yaml\n")[1].split(
        "```")[0]
    server = make_slapd(suffix="dc=corp,dc=test", tls=True)
    entry = ("dn: uid={0},ou=people,dc=corp,dc=test\n"
             "objectClass: inetOrgPerson\ncn: {0}\nsn: x\n"
             "employeeNumber: {1}\n\n")
    server.add("dn: ou=people,dc=corp,dc=test\n"
               "objectClass: organizationalUnit\n\n" +
               entry.format("ada", 1001) + entry.format("ben", 1002) +
               entry.format("cleo", 1003))
    folder.ok("secret", "set", "dir", stdin=server.password)
    follow(folder, re.sub("conjoin secret set.*", "", then).replace(
        "ldaps://ldap.corp.test",
        f"{server.tls_url} --set ca_file={server.ca_file}").replace(
            "cn=conjoin,", "cn=admin,"))
    assert "employeeID: employeeNumber   # 3 of 3 values are in the " \
        "metaverse" in folder.read("agents/dir.yaml")


def test_initial_passwords_howto(tutorial, tmp_path):
    """What stands there is configuration, and its commands work."""
    text = (ROOT / "docs/how-to/initial-passwords.md").read_text()
    key = tmp_path / "helpdesk.key"
    tutorial.ok("secret", "keypair", key)
    tutorial.write("out/passwords", "")
    tutorial.ok("secret", "open", tutorial.path / "out/passwords", key)
    delivers = re.findall(r"^  deliver: (.*)$", text, re.M)
    assert len(delivers) == 2
    before = tutorial.read("agents/directory.yaml")
    for deliver in delivers:
        tutorial.replace("agents/directory.yaml", "    provision:\n",
                         "    provision:\n      initial: { userPassword: "
                         "'RandomPassword(24)' }\n      deliver: "
                         + deliver + "\n")
        assert tutorial.json("check")["errors"] == 0
        tutorial.write("agents/directory.yaml", before)


def test_examples_are_right(tmp_path):
    """Every example, template and scenario passes `check` without a
    warning."""
    folders = [ROOT / "examples/demo", tmp_path]
    folders += (path.parent for path in
                sorted((ROOT / "tests/scenario").glob("*/conjoin.yaml")))
    for name in ("demo", "demo-ldap"):
        for path in (ROOT / "examples" / name).rglob("*"):
            if path.is_file():
                target = tmp_path / path.relative_to(ROOT / "examples" / name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    for template in Folder(tmp_path).json("init", "--list")["templates"]:
        path = tmp_path / template["name"]
        Folder(path).ok("init", "--template", template["name"], str(path))
        folders.append(path)
    for path in folders:
        found = Folder(path).json("check")["problems"]
        assert [problem["message"] for problem in found] == \
            WARNED.get(path.name, []), path
    assert not (ROOT / "examples/demo/state").exists(), \
        "somebody ran it in place"


def test_a_mistyped_column_is_seen_before_the_import(tutorial):
    """In the files that are there; nothing is read when they are not."""
    def messages():
        return [problem["message"]
                for problem in tutorial.json("check")["problems"]]
    rules = tutorial.read("agents/hr.yaml")
    assert messages() == []
    tutorial.write("agents/hr.yaml", rules.replace(
        " title\n", " tilte\n"))
    assert messages() == ["'data/hr.csv' has no 'tilte'; did you mean "
                          "'title'?"]
    (tutorial.path / "data/hr.csv").rename(tutorial.path / "data/hr.away")
    assert messages() == []
    (tutorial.path / "data/hr.away").rename(tutorial.path / "data/hr.csv")
    tutorial.write("agents/hr.yaml", rules)
    rules = tutorial.read("agents/directory.yaml")
    tutorial.write("agents/directory.yaml", rules.replace(
        "{ employeeID: employeeNumber }", "{ employeeID: employeeNumbre }"))
    assert messages() == ["'out/directory.ldif' has no 'employeeNumbre'; did "
                          "you mean 'employeeNumber'?"]
    tutorial.write("agents/directory.yaml", rules)


def test_file_feeds_howto(tmp_path):
    folder = Folder(tmp_path)
    parts = sections("docs/how-to/file-feeds.md")
    follow(folder, parts["The folder"])
    assert people(folder) == ["Ada Larkin", "Ben Osei"]
    assert len(list((tmp_path / "inbox/done").iterdir())) == 1
    text = parts["A file that was cut off"]
    assert "# fails" in text
    follow(folder, text.replace("    conjoin run", "    run"))
    done = folder.ok("run", "payroll", "full-import", status=4)
    assert "its last line should be as the trailer" in done.out + done.err
    assert len(list((tmp_path / "inbox/failed").iterdir())) == 2
    follow(folder, parts["Hand on what changed"])
    (told,) = (tmp_path / "out").iterdir()
    assert told.read_text(encoding="utf-8") == (
        "action,id,name\nAdd,1,Ada Larkin\nAdd,2,Ben Osei\n")
