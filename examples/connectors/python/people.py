#!/usr/bin/env python3
"""A connector in few lines: people in a file of JSON, read and written.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import hmac
import json
import os
import uuid

from conjoin_connector import Connector, Failed, Refused, changed, run

ATTRIBUTES = [{"name": "uid", "identifies": True, "required": True},
              {"name": "sn"}, {"name": "title"},
              {"name": "telephoneNumber", "multi": True}]


def hashed(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=4096, r=8,
                          p=1).hex()


def right(password, stored):
    return stored and hmac.compare_digest(
        stored[1], hashed(password, bytes.fromhex(stored[0])))


class People(Connector):
    name = "people in a file"
    can = ["import", "delta", "export", "at-once", "schema", "password"]

    def open(self, options, types, partitions):
        self.path = options["file"]
        if not os.path.isdir(os.path.dirname(os.path.abspath(self.path))):
            raise Failed("invalid", f"there is no folder for {self.path}")
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.data = json.load(file)
        else:
            self.data = {"file": str(uuid.uuid4()), "now": 0, "people": {}}
            self.end()

    def schema(self):
        return [{"name": "person", "attributes": ATTRIBUTES}]

    def watermark(self):
        return f"{self.data['file']} {self.data['now']}"

    def read(self, kind, watermark):
        file, _, since = watermark.partition(" ")
        if kind == "delta" and file != self.data["file"]:
            raise Failed("conflict", "this file was never read before")
        for uid, person in self.data["people"].items():
            if kind == "delta" and person["changed"] <= int(since):
                continue
            if "attrs" in person:
                yield self.whole("person", uid, person["attrs"])
            elif "gone" not in person:
                yield self.bad("person", uid, "the record has no attributes")
            elif kind == "delta":
                yield self.deleted("person", uid)

    def write(self, op):
        people = self.data["people"]
        uid = op.get("anchor") or op["attrs"].get("uid", [""])[0]
        person = people.get(uid, {})
        old = person.get("attrs")
        new = None
        if op["msg"] in ("add", "replace"):
            new = changed({}, op["attrs"])
            if old and op["msg"] == "add":
                if op.get("retry") and old == new:
                    return {"anchor": uid, "adopted": True}
                raise Refused("cd-existing-object", f"{uid} is there")
        elif op["msg"] == "update":
            if not old:
                raise Refused("cd-missing-object", f"there is no {uid}")
            new = changed(old, op["attrs"])
        elif not old and not op.get("retry"):
            raise Refused("cd-missing-object", f"there is no {uid}")
        self.data["now"] += 1
        people[uid] = {"changed": self.data["now"],
                       **({"attrs": new} if new else {"gone": True})}
        if old and new and "hash" in person:
            people[uid]["hash"] = person["hash"]
        return {"anchor": uid}

    def password(self, op):
        person = self.data["people"].get(op["anchor"], {})
        if "attrs" not in person:
            raise Refused("cd-missing-object", f"there is no {op['anchor']}")
        if op["do"] == "change" and not right(op["old"], person.get("hash")):
            raise Refused("permission-issue", "the old password is wrong")
        if len(op["new"]) < 8:
            raise Refused("password-policy-violation", "8 characters at least")
        salt = os.urandom(16)
        person["hash"] = [salt.hex(), hashed(op["new"], salt)]
        self.end()

    def end(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.data, file)
        os.replace(self.path + ".new", self.path)


run(People())
