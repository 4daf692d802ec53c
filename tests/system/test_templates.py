"""`init`: folders from templates and their settings.

SPDX-License-Identifier: Apache-2.0
"""
import re
import subprocess

import pytest
import yaml

from helpers import CONJOIN, ROOT, Folder

# a value that would be something else wherever it is not quoted
ODD = "O'Hara \\\"x\\\" %Domain.FQDN% \\#1 [cn] {{name}}: &a *b \\\\"


def init(*words, status=0):
    done = subprocess.run([CONJOIN, "init", *map(str, words)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    assert done.returncode == status, done
    return done.stdout + done.stderr


def sample(name="two-forest-gal"):
    return init("--template", name, "--show-settings")


def with_settings():
    return sorted(path.parent.name for path in
                  (ROOT / "templates").glob("*/settings.yaml"))


@pytest.fixture
def made(tmp_path):
    """A folder made from the sample, and the file of settings."""
    given = tmp_path / "given.yaml"
    given.write_text(sample())
    init("--settings", given, tmp_path / "gal")
    return Folder(tmp_path / "gal"), given


def test_sample(made, tmp_path):
    folder, given = made
    assert folder.read("settings.yaml") == given.read_text()
    init("--template", "two-forest-gal", tmp_path / "other")
    for name in ("conjoin.yaml", "agents/london.yaml", "agents/rome.yaml"):
        assert Folder(tmp_path / "other").read(name) == folder.read(name)


@pytest.mark.parametrize("name", with_settings())
def test_every_setting_is_described(name):
    """The reference has each of them, with its meaning and default; the
    sample names no other."""
    page = (ROOT / "docs/reference/templates.md").read_text()
    part = re.split(r"^## ", page, flags=re.M)
    part = next(text for text in part if text.startswith(name))
    fields = yaml.safe_load((ROOT / "templates" / name / "fields.yaml")
                            .read_text())

    def check(fields, given):
        for key in given:
            assert key in fields, key
        for key, field in fields.items():
            if key != "template":
                assert re.search(rf"^\| `{key}` ", part, re.M), key
            for item in given.get(key, []) if "each" in field else []:
                check(field["each"], item)
    check(fields, yaml.safe_load(sample(name)))


def test_what_is_wrong(tmp_path):
    given = tmp_path / "given.yaml"

    def told(text):
        given.write_text(text)
        out = init("--settings", given, tmp_path / "gal", status=2)
        assert not (tmp_path / "gal").exists()
        return out.replace(str(given), "given.yaml")

    assert "does not say which template" in told("forests: []\n")
    assert "is for the template 'x'" in init(
        "--template", "two-forest-gal", "--settings",
        given if given.write_text("template: x\n") else "", status=2)
    assert "no template 'two-forest-gla': did you mean 'two-forest-gal'" in \
        told("template: two-forest-gla\n")
    out = told(sample().replace("  - name: rome", "  - nmae: rome")
               .replace("target: OU=FromRome ", "target: FromRome "))
    assert "given.yaml:14:5: error: unknown key 'nmae': did you mean 'name'?" \
        in out
    assert re.search(r"given.yaml:14:5: error: 'name' is missing", out)
    out = told(re.sub(r"(?s)  - name: rome.*", "", sample()
                      .replace("'@nwtraders.msft'", "nwtraders.msft")
                      .replace("target: OU=FromRome ", "target: FromRome ")
                      .replace("name: london", "name: lon don")))
    assert "'forests': at least 2 are needed" in out
    assert "'nwtraders.msft' is no mail domain" in out
    assert "'FromRome' is not a distinguished name ('target')" in out
    assert "'lon don' is no name" in out
    assert "given.yaml:6:11: error:" in out
    assert "stands here a second time ('name')" in told(
        sample().replace("name: rome", "name: London"))
    assert "'suffixes' has no value" in told(
        sample().replace("'@roma.italien'", ""))
    for text in ("a\\nproject: x", "a\\r", "a\\u2028", "a\\x85", "\\0"):
        for key in ("base: DC=nwtraders,DC=msft", "target: OU=FromRome "):
            out = told(sample().replace(key, f'{key.split(":")[0]}: "{text}"'))
            assert "has a line break or a control character" in out
    assert "not valid YAML" in told("template: [\n")
    assert "has no settings" in init("--template", "hr-to-directory",
                                     "--show-settings", status=2)
    assert "none" in init("--settings", tmp_path / "none", tmp_path, status=2)


ALL = """    mail_routing: yes
    x500_back_flow: yes
    cross_forest_delegation: yes
    admin_group: /o=Org/ou=Admins
    password: env:ROME
    ca_file: rome.pem
"""


@pytest.mark.parametrize("name, more", [
    ("two-forest-gal", "exchange_2003: true\n"),
    ("two-forest-gal", "certificates: true\n"),
    ("two-forest-gal", ALL), ("two-forest-gal", ALL + "exchange_2003: on\n"),
    ("two-forest-gal", "attributes: [title, telephoneNumber]\n"
     "attributes_with_several_values: []\n"),
    ("ocs-central-forest", "    sip_back_flow: true\nlync_2010: true\n"),
    ("ocs-central-forest", "group_type_attribute: extensionAttribute1\n"),
    ("two-forest-users", "attributes: mail\n"),
    ("exchange-resource-forest", "attributes: []\n"),
    ("hr-to-ad", "password: file:password\nca_file: ca.pem\n"),
])
def test_variants(tmp_path, name, more):
    """Whatever is set: `check` has nothing to say."""
    given = tmp_path / "given.yaml"
    given.write_text(sample(name) + more)
    folder = Folder(tmp_path / "made")
    init("--settings", given, folder.path)
    assert folder.json("check")["problems"] == []


def test_more_than_two(tmp_path):
    """Each publishes to all others; one gets no contacts."""
    third = re.search(r"(?s)  - name: rome.*?suffixes: .*?\n", sample())[0] \
        .replace("rome", "paris").replace("target: OU=DaLondra\n    ", "")
    given = tmp_path / "given.yaml"
    given.write_text(sample() + third)
    folder = Folder(tmp_path / "gal")
    init("--settings", given, folder.path)
    assert folder.json("check")["problems"] == []
    assert "agents: [london, rome, paris]" in folder.read("conjoin.yaml")
    assert "contact-in" in folder.read("agents/rome.yaml")
    assert "provision" not in folder.read("agents/paris.yaml")


def test_values_stay_in_their_place(tmp_path):
    """Whatever a container is called: nothing else of the folder changes, and
    rules have the very name."""
    plain, odd = tmp_path / "plain", tmp_path / "odd"
    given = tmp_path / "given.yaml"
    quoted = "'OU=" + ODD.replace("'", "''") + "'"
    given.write_text(sample().replace("OU=FromRome ", quoted + " "))
    init("--settings", given, odd)
    init("--template", "two-forest-gal", plain)
    assert Folder(odd).json("check")["problems"] == []

    def read(folder):
        return yaml.safe_load((folder / "agents/london.yaml").read_text())

    def compare(one, other):
        """Equal but for the name of the container."""
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            for key in one:
                compare(one[key], other[key])
        elif isinstance(one, list):
            for pair in zip(one, other, strict=True):
                compare(*pair)
        elif one != other:
            in_rule = ODD.replace("\\", "\\\\").replace('"', '""')
            assert other in (one.replace("FromRome", ODD),
                             one.replace("FromRome", in_rule))
    compare(read(plain), read(odd))


def test_settings_change(made):
    """Files that nobody changed are made anew; else nothing is written."""
    folder, given = made
    given.write_text(sample().replace("OU=FromRome", "OU=Rome"))
    init("--settings", given, folder.path)
    assert "OU=Rome,DC=nwtraders" in folder.read("agents/london.yaml")
    assert "OU=Rome" in folder.read("settings.yaml")

    folder.replace("agents/rome.yaml", "# Mailboxes", "# Our mailboxes")
    folder.replace("settings.yaml", "OU=Rome", "OU=Roma")
    before = folder.read("agents/london.yaml")
    out = init("--settings", folder.path / "settings.yaml", folder.path,
               status=2)
    assert "agents/rome.yaml" in out and "london" not in out
    assert folder.read("agents/london.yaml") == before
    (folder.path / "agents/rome.yaml").unlink()
    init("--settings", folder.path / "settings.yaml", folder.path)
    assert "OU=Roma,DC=nwtraders" in folder.read("agents/london.yaml")
    assert "# Mailboxes" in folder.read("agents/rome.yaml")

    # a forest less, and one of another name
    given.write_text(sample().replace("rome", "milan"))
    out = init("--settings", given, folder.path)
    assert "'agents/rome.yaml' is not made by these settings any more" in out
    assert folder.read("agents/milan.yaml")
    # another template, or no settings: as any folder that is there
    init("--template", "two-forest-gal", folder.path, status=2)
    init("--template", "hr-to-directory", folder.path, status=2)
