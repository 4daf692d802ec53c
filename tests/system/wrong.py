#!/usr/bin/env python3
"""A connector that does one thing wrong, named by its argument.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import resource
import sys
import time

KIND, FOLDER = sys.argv[1:3]
STATE = os.path.join(FOLDER, "seen")
LOG = os.path.join(FOLDER, "asked")
CAN = ["import", "export", "delta"]


def say(line):
    text = line if isinstance(line, str) else json.dumps(line)
    os.write(1, text.encode("utf-8", "surrogateescape") + b"\n")


def person(number, **more):
    say({"msg": "object", "type": "person", "anchor": str(number),
         "attrs": {"id": str(number), "name": f"Person {number}"}, **more})


def first_time():
    if os.path.exists(STATE):
        return False
    with open(STATE, "w", encoding="utf-8"):
        return True


def hello(_ask):
    if KIND == "no hello":
        sys.exit("there is no database")
    if KIND == "silent":
        time.sleep(1000)
    if KIND == "rubbish":
        say("Welcome to payroll 7!")
    if KIND == "newer":
        say({"msg": "hello", "protocol": 2, "can": CAN})
    if KIND == "cannot":
        return say({"msg": "hello", "protocol": 1, "can": ["import"]})
    if KIND == "other answer":
        say({"msg": "hi", "protocol": 1, "can": CAN})
    return say({"msg": "hello", "protocol": 1, "can": CAN,
                "credits": KIND == "credits"})


def open_(ask):
    if KIND == "denied":
        say({"msg": "error", "code": "denied", "message": "wrong password"})
    if KIND == "look":
        status = open("/proc/self/status", encoding="utf-8").read()
        files = [fd for fd in range(200) if is_open(fd)]
        with open(STATE, "w", encoding="utf-8") as file:
            json.dump({"files": files,
                       "environment": dict(os.environ), "argv": sys.argv,
                       "status": dict(line.split(":\t", 1) for line in
                                      status.splitlines() if ":\t" in line),
                       "group": os.getpgrp() == os.getpid(),
                       "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
                       "folder": os.getcwd(), "options": ask["options"]}, file)
    if KIND == "leaves children":
        child = os.posix_spawnp("sleep", ["sleep", "1000"], {})
        with open(STATE, "w", encoding="utf-8") as file:
            file.write(str(child))
    say({"msg": "ok"})


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def give_as_allowed(count):
    allowed = 0
    for number in range(1, count + 1):
        while not allowed:
            allowed = json.loads(sys.stdin.buffer.readline())["count"]
        person(number)
        allowed -= 1
    say({"msg": "end", "count": count})


def import_(_ask):
    say({"msg": "ok", "watermark": "w1"})
    if KIND == "credits":
        give_as_allowed(2500)
        return
    person(1)
    person(2)
    if KIND == "crash" or (KIND == "crash once" and first_time()):
        raise RuntimeError("the database is gone")
    if KIND == "ends early":
        sys.exit(0)
    if KIND == "half a line":
        os.write(1, b'{"msg":"end","cou')
        sys.exit(0)
    if KIND == "hangs":
        time.sleep(1000)
    if KIND == "long line":
        os.write(1, b'{"msg":"object","type":"')
        for _ in range(20):
            os.write(1, b"x" * (1 << 20))
    if KIND == "floods errors":
        for number in range(20000):
            os.write(2, b"warning %d\n" % number)
    if KIND == "unknown message":
        say({"msg": "objekt"})
    if KIND == "delete in a full import":
        say({"msg": "delete", "type": "person", "anchor": "1"})
    if KIND == "deep":
        say('{"msg":' + "[" * 40 + "]" * 40 + "}")
    if KIND == "latin 1":
        say('{"msg":"object","anchor":"M\udcfcller"}')
    if KIND == "memory":
        say({"msg": "progress", "permille": len(bytearray(1 << 30)) and 1})
    if KIND == "wrong values":
        person(3, attrs={"id": "3", "name": [["nested"]]})
        person(4, attrs={"id": "4", "name": {"b64": "!"}})
        person(5, attrs="none")
        say({"msg": "object", "type": "person", "attrs": {"id": "6"}})
        say({"msg": "object", "type": "robot", "anchor": "7"})
        say({"msg": "end", "count": 7})
    say({"msg": "end", "count": 9 if KIND == "lies" else 2})


RESULTS = []


def operation(ask):
    with open(LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(ask) + "\n")
    done = {"msg": "result", "id": ask["id"], "ok": True,
            "anchor": ask["attrs"]["id"][0]}
    if KIND == "no result":
        return
    if KIND == "crash while writing" and ask["id"] == 2 and first_time():
        sys.exit("the network is gone")
    if KIND == "unknown id":
        done["id"] += 1000
    if KIND == "not ok":
        done["ok"] = "yes"
    if KIND == "rubbish result":
        done = "done!"
    say(done)
    RESULTS.append(done)
    if KIND == "twice":
        say(done)


def end(_ask):
    say({"msg": "end", "count": 77 if KIND == "lies about results" else
         len(RESULTS)})


def serve():
    known = {"hello": hello, "open": open_, "import": import_,
             "export": lambda ask: say({"msg": "ok"}), "export-end": end,
             "more": lambda ask: None}
    for line in sys.stdin.buffer:
        ask = json.loads(line)
        if ask["msg"] == "bye":
            sys.exit(0)
        known.get(ask["msg"], operation)(ask)


serve()
