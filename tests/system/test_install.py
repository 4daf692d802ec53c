"""What `./dev install` installs: pages that are right, words that complete.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import subprocess

import pytest

from helpers import CONJOIN, ROOT, Folder

LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
FENCE = re.compile(r"^(```.*?^```|    .*?$)", re.M | re.S)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    path = tmp_path_factory.mktemp("prefix")
    build = os.path.dirname(CONJOIN)
    subprocess.run(["cmake", "--build", build, "--target", "manual_pages"],
                   check=True, capture_output=True)
    subprocess.run(["cmake", "--install", build, "--prefix", str(path)],
                   check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def tables():
    """What the program itself lists."""
    def listed(*words):
        done = subprocess.run([CONJOIN, "help", *words, "--json"], check=True,
                              capture_output=True)
        return json.loads(done.stdout)
    return {"commands": listed()["commands"],
            "connectors": listed("connectors")["connectors"]}


def test_pages_are_there(prefix, tables):
    man = prefix / "share/man"
    assert (man / "man1/conjoin.1").exists()
    assert (man / "man5/conjoin.yaml.5").exists()
    assert (man / "man7/conjoin-functions.7").exists()
    for command in tables["commands"]:
        page = man / f"man1/conjoin-{command['name']}.1"
        text = page.read_text(encoding="utf-8").replace("\\-", "-")
        for option in command["options"]:
            assert f"--{option['name']}" in text, page
    for connector in tables["connectors"]:
        page = man / f"man5/conjoin-{connector['connector']}.5"
        text = page.read_text(encoding="utf-8").replace("\\-", "-")
        for setting in connector["settings"]:
            assert f"\\fB{setting['name']}\\fR" in text, page


def test_pages_are_right(prefix):
    """groff finds nothing to warn of."""
    for page in (prefix / "share/man").rglob("*.[157]"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", str(page)],
            capture_output=True, text=True, check=True)
        assert done.stderr == "", page


def test_links_of_what_is_installed(prefix):
    pages = list((prefix / "share/doc/conjoin").rglob("*.md"))
    assert len(pages) > 30
    for page in pages:
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for link in LINK.findall(text):
            if not re.match(r"\w+:", link):
                assert (page.parent / link).exists(), (page, link)


# What is typed, and what the shell offers; the cursor is at the end.
CASES = [
    ("conjoin ru", ["run", "runs"]),
    ("conjoin run ", ["directory", "hr", "phone", "teams"]),
    ("conjoin run hr full-i", ["full-import", "full-import-delta-sync",
                               "full-import-full-sync"]),
    ("conjoin pending --im", ["--imports"]),
    ("conjoin --fol", ["--folder"]),
    ("conjoin help connector ld", ["ldap", "ldif"]),
    ("conjoin errors re", ["retry"]),
    ("conjoin init --template hr-", ["hr-to-ad", "hr-to-directory"]),
    ("conjoin check --folder ag", ["agents"]),
]


def in_demo(words, **environment):
    """Runs a shell in the demo's folder, with this build in its path."""
    path = f"{os.path.dirname(CONJOIN)}:{os.environ['PATH']}"
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          cwd=ROOT / "examples/demo",
                          env={**os.environ, "PATH": path, **environment})
    assert done.returncode == 0, done.stderr
    return sorted(line.split("\t")[0].strip().rstrip("/")
                  for line in done.stdout.splitlines() if line.strip())


@pytest.mark.parametrize("typed,expected", CASES)
def test_bash(prefix, typed, expected):
    script = prefix / "share/bash-completion/completions/conjoin"
    words = typed.split(" ")
    lines = [f"compopt() {{ :; }}; source {script}",
             "COMP_WORDS=(" + " ".join(f"'{word}'" for word in words) + ")",
             f"COMP_CWORD={len(words) - 1}", "_conjoin",
             "printf '%s\\n' \"${COMPREPLY[@]}\""]
    assert in_demo(["bash", "-c", "\n".join(lines)]) == expected


@pytest.mark.parametrize("typed,expected", CASES)
def test_fish(prefix, tmp_path, typed, expected):
    script = prefix / "share/fish/vendor_completions.d/conjoin.fish"
    line = f"source {script}; complete -C '{typed}'"
    assert in_demo(["fish", "--no-config", "-c", line],
                   HOME=str(tmp_path)) == expected


@pytest.mark.parametrize("typed,expected", CASES)
def test_zsh(prefix, typed, expected):
    """The function alone, with zsh's own helpers replaced."""
    script = prefix / "share/zsh/site-functions/_conjoin"
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    lines = ["_describe() { print -l -- ${${(P)2}%%:*} }",
             "_files() { print -l -- ${words[CURRENT]}*(N/) }",
             f"words=({words}); CURRENT=$#words", f"source {script}"]
    assert in_demo(["zsh", "-f", "-c", "\n".join(lines)]) == expected


def test_a_broken_folder_is_silent(tmp_path):
    """Outside of a folder names are unknown, and nothing is printed."""
    (tmp_path / "conjoin.yaml").write_text("agents: [", encoding="utf-8")
    for words in (["run", ""], ["--folder", "nowhere", "run", ""]):
        done = subprocess.run([CONJOIN, "complete", "--", *words],
                              capture_output=True, text=True, cwd=tmp_path,
                              check=True)
        assert (done.stdout, done.stderr) == ("", "")


AGENT = """type: %s
connect: { path: passwd }
objects:
  account:
    metaverse: person
    project: true
    import: { name: name, shell: shell }
"""


def build_plugin(prefix, path):
    env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "share/pkgconfig")}
    found = subprocess.run(["pkg-config", "--cflags", "conjoin"], check=True,
                           capture_output=True, text=True, env=env)
    source = prefix / "share/doc/conjoin/examples/connectors/native/passwd.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror",
                    "-o", path, source, *found.stdout.split()],
                   check=True)


def test_plugin(prefix, tmp_path):
    """A connector built out of tree, with what is installed, is an agent's."""
    plugin = tmp_path / "passwd.so"
    build_plugin(prefix, plugin)
    folder = Folder(tmp_path / "folder")
    folder.write("conjoin.yaml", "conjoin: 1\nagents: [host]\nmetaverse:\n"
                 "  person:\n    attributes: { name: string, shell: string }\n"
                 "    delete: { when: [host] }\n")
    folder.write("agents/host.yaml", AGENT % plugin)
    folder.write("passwd", "ann:x:1:1:Ann:/home/ann:/bin/sh\n"
                 "bob:x:2:2:Bob:/home/bob:\n")
    folder.ok("cycle")
    found = {obj["attributes"]["name"][0]: obj["attributes"].get("shell")
             for obj in folder.json("search", "mv", "person")["objects"]}
    assert found == {"ann": ["/bin/sh"], "bob": None}
    # a typing error is found in its settings as in those of any other
    folder.replace("agents/host.yaml", "path:", "paht:")
    done = folder.ok("check", status=2)
    assert "did you mean 'path'?" in done.out + done.err
    folder.replace("agents/host.yaml", "paht:", "path:")
    # nobody else may have written it
    plugin.chmod(0o775)
    done = folder.ok("check", status=2)
    assert "others may write" in done.out + done.err
    plugin.chmod(0o755)
    # of another version
    plugin.unlink()
    (tmp_path / "old.c").write_text(
        "const void *conjoin_connector(unsigned abi);\n"
        "const void *conjoin_connector(unsigned abi)\n"
        "{ return abi == 1 ? &abi : 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", plugin,
                    tmp_path / "old.c"], check=True)
    done = folder.ok("check", status=2)
    assert "another version" in done.out + done.err
    # and what is no plug-in at all
    folder.replace("agents/host.yaml", f"type: {plugin}", "type: /etc/passwd")
    folder.ok("check", status=2)
