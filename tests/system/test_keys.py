"""Keys come, go and travel; what lies under them is never lost unseen.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import stat

import pytest

from helpers import ROOT, Folder
from test_deliver import folder_with, passwords

PASSPHRASE = "a horse that is correct\n"


@pytest.fixture
def pending(tmp_path):
    """A folder with a secret and two passwords that wait to be written."""
    public = Folder(tmp_path).ok(
        "secret", "keypair", tmp_path / "desk.key").out.splitlines()[0]
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {public} }}")
    folder.ok("secret", "set", "ad", stdin="hunter2\n")
    return folder


def ids(folder):
    return [key["key"] for key in folder.json("key", "list")["keys"]]


def use(folder):
    """Of each key the number of secrets and passwords under it."""
    return [(key["secrets"], key["passwords"])
            for key in folder.json("key", "list")["keys"]]


def told(folder, tmp_path):
    """What the help desk reads."""
    return folder.ok("secret", "open", folder.path / "out/new",
                     tmp_path / "desk.key").out


def test_from_one_key_to_another(pending, tmp_path):
    assert use(pending) == [(1, 2)]
    old = ids(pending)[0]
    new = pending.json("key", "add")["key"]
    assert ids(pending) == [new, old] and use(pending) == [(0, 0), (1, 2)]
    # the newest is never abandoned, nor what is needed
    pending.ok("key", "abandon", new, status=2)
    done = pending.ok("key", "abandon", old, status=3)
    assert "secret ad" in done.out and "E1" in done.out + done.err
    assert "reencrypt" in done.err
    out = pending.json("key", "abandon", old, status=3)
    assert out["needed"]["secrets"] == ["ad"]
    assert len(out["needed"]["passwords"]) == 2
    out = pending.json("key", "reencrypt")
    assert (out["key"], out["secrets"], out["passwords"]) == (new, 1, 2)
    assert use(pending) == [(1, 2), (0, 0)]
    assert pending.json("key", "reencrypt")["secrets"] == 0
    assert pending.json("key", "abandon", old)["lost"] == \
        {"secrets": [], "passwords": []}
    assert ids(pending) == [new]
    # all of it still works
    assert pending.step("dir", "export")["result"] == "success"
    for password in passwords(pending).values():
        assert password in told(pending, tmp_path)
    assert pending.json("key", "list")["lost"]["passwords"] == []


def test_passwords_to_be_handed_over(pending, tmp_path):
    """They lie in the store until somebody was told."""
    (pending.path / "out/new").mkdir(parents=True)
    pending.json("run", "dir", "export")
    assert use(pending) == [(1, 2)]
    old = ids(pending)[0]
    pending.ok("key", "add")
    done = pending.ok("key", "abandon", old, status=3)
    assert "handed over" in done.out
    assert pending.json("key", "reencrypt")["passwords"] == 2
    pending.ok("key", "abandon", old)
    (pending.path / "out/new").rmdir()
    pending.ok("run", "dir", "export")
    for password in passwords(pending).values():
        assert password in told(pending, tmp_path)


def test_abandon_with_force(pending):
    old = ids(pending)[0]
    pending.ok("key", "add")
    done = pending.ok("key", "abandon", old, "--force")
    assert "lost with it" in done.out and "secret ad" in done.out
    lost = pending.json("key", "list")["lost"]
    assert lost["secrets"] == ["ad"] and len(lost["passwords"]) == 2
    step = pending.step("dir", "export", status=1)
    assert "encryption-key-lost" in step["errors"][0]["message"] or \
        step["errors"][0]["code"] == "encryption-key-lost"


def test_a_key_of_before(pending):
    """A file of 32 bytes is one key, and stays one among others."""
    path = pending.path / "state/key"
    pending.ok("secret", "delete", "ad")
    path.write_bytes(b"k" * 32)
    pending.ok("secret", "set", "ad", stdin="hunter3\n")
    assert path.read_bytes() == b"k" * 32
    old = pending.json("key", "list")["keys"]
    assert len(old) == 1 and old[0]["made"] is None
    assert old[0]["secrets"] == 1
    pending.ok("key", "add")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert use(pending) == [(0, 0), (1, 0)]


def standby(tmp_path, folder):
    """The files of a folder on another machine, without its key."""
    other = Folder(tmp_path / "standby")
    shutil.copytree(folder.path, other.path)
    (other.path / "state/key").unlink()
    return other


@pytest.mark.parametrize("way", ["passphrase", "descriptor", "box"])
def test_to_a_standby_machine(pending, tmp_path, way):
    pending.ok("key", "add")
    file = tmp_path / "keys"
    other = standby(tmp_path, pending)
    if way == "passphrase":
        pending.ok("key", "export", file, stdin=PASSPHRASE)
        out = other.json("key", "import", file, stdin=PASSPHRASE)
    elif way == "descriptor":
        for folder, verb in ((pending, "export"), (other, "import")):
            read, write = os.pipe()
            os.write(write, PASSPHRASE.encode())
            os.close(write)
            out = folder.json("key", verb, file, "--passphrase-fd", read,
                              pass_fds=[read])
            os.close(read)
    else:
        public = other.ok("secret", "keypair",
                          tmp_path / "other.key").out.splitlines()[0]
        pending.ok("key", "export", file, "--to", public)
        other.ok("key", "import", file, status=2)
        out = other.json("key", "import", file, tmp_path / "other.key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert out["keys"] == ids(pending) and out["new"] == 2
    assert stat.S_IMODE((other.path / "state/key").stat().st_mode) == 0o600
    assert use(other) == use(pending)
    assert other.step("dir", "export")["result"] == "success"


def test_export_refusals(pending, tmp_path):
    file = tmp_path / "keys"
    done = pending.ok("key", "export", file, stdin="short\n", status=2)
    assert "12 characters" in done.err and not file.exists()
    done = pending.ok("key", "export", file, "--to", "nobody", status=2)
    assert "public key" in done.err
    done = pending.ok("key", "export", file, "--passphrase-fd", "77",
                      status=2)
    assert "77" in done.err
    pending.ok("key", "export", file, stdin=PASSPHRASE)
    pending.ok("key", "export", file, stdin=PASSPHRASE, status=2)
    other = standby(tmp_path, pending)
    done = other.ok("key", "import", file, stdin="not this one either\n",
                    status=4)
    assert "passphrase" in done.err
    assert not (other.path / "state/key").exists()
    done = other.ok("key", "import", other.path / "conjoin.yaml", status=2)
    assert "key export" in done.err


def test_without_keys(tmp_path):
    folder = folder_with(tmp_path, "{ command: [cat] }")
    (folder.path / "state/key").unlink()
    done = folder.ok("key", "list", status=2)
    assert "key add" in done.err
    folder.ok("key", "export", tmp_path / "x", status=2)
    out = folder.json("key", "add")
    listed = folder.json("key", "list")
    assert [key["key"] for key in listed["keys"]] == [out["key"]]
    assert len(listed["lost"]["passwords"]) == 2
    # secrets whose key is gone must not be given another one
    folder.ok("secret", "set", "ad", stdin="x\n")
    (folder.path / "state/key").unlink()
    done = folder.ok("key", "add", status=2)
    assert "missing" in done.err and \
        not (folder.path / "state/key").exists()


def test_nothing_is_listed_of_a_store_that_is_not_known(pending):
    pending.replace("conjoin.yaml", "conjoin: 1\n",
                    "conjoin: 1\nstore: nowhere\n")
    done = pending.ok("key", "list", status=2)
    assert "store" in done.err and "SECRETS" not in done.out


def test_wrong_use(pending):
    for words in (["lst"], ["abandon"], ["add", "more"], ["export"],
                  ["abandon", "12345678"], ["list", "x"]):
        pending.ok("key", *words, status=2)
    assert "list" in pending.ok("key", "lst", status=2).err


def test_keys_howto(pending, tmp_path):
    text = (ROOT / "docs/how-to/keys.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    conjoin (.+?)(?:\s{2,}#.*)?$", text, re.M)
    assert len(commands) >= 6
    old = ids(pending)[0]
    for command in commands:
        words = command.replace("/safe/", f"{tmp_path}/").split()
        words = [old if word == "KEY" else word for word in words]
        if "PUBLICKEY" not in words and "KEYFILE" not in words:
            pending.ok(*words, stdin=PASSPHRASE)
