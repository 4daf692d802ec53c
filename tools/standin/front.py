#!/usr/bin/env python3
"""A stand-in for directories of which there is no free server.

It stands before a private slapd, with a schema out of this folder, and does
what the directory's own server does with an entry: gives it an identity,
counts its changes, refuses what is not done there, and says so in its words.

    tools/standin/front.py KIND PORT [--tls FOLDER]

KIND is adlds, edirectory, exchange55 or domino; PORT is slapd's. It listens on
a free port of 127.0.0.1, prints "PORT=...", and serves until it is ended.
FOLDER has server.pem and server.key: with TLS it listens on TLS_PORT.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import itertools
import os
import socket
import ssl
import threading

MODIFY, ADD, RENAME = 0x66, 0x68, 0x6c
RESULTS = {0x61, 0x67, 0x69, 0x6b, 0x6d}  # to bind, modify, add ...
ENTRY = 0x64
REPLACE = 2


# --- BER ---

def head(data, at):
    """Tag, start and end of the element at `at`; end None: not there yet."""
    if len(data) < at + 2:
        return 0, 0, None
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7f
        if len(data) < at + count:
            return 0, 0, None
        length = int.from_bytes(data[at:at + count], "big")
        at += count
    return tag, at, at + length if len(data) >= at + length else None


def parts(body):
    """The elements of a body: [(tag, body), ...]"""
    found, at = [], 0
    while at < len(body):
        tag, start, end = head(body, at)
        if end is None:
            raise ValueError("this is not LDAP")
        found.append((tag, body[start:end]))
        at = end
    return found


def element(tag, body):
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes(4, "big")
    return bytes([tag, 0x84]) + length + body


def joined(found):
    return b"".join(element(tag, body) for tag, body in found)


def attribute(name, *values):
    """The body of a name with its values."""
    return element(4, name.encode()) + element(
        0x31, b"".join(element(4, value) for value in values))


class Refused(Exception):
    """What the real server does not do."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code
        self.text = text


# --- what each directory does ---

class Directory:
    """A server without ways of its own."""

    def __init__(self):
        self.count = itertools.count(1000)
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            return str(next(self.count)).encode()

    def add(self, dn, attrs):
        """attrs: name in lower case -> (name, values), may be changed."""

    def modify(self, dn, names):
        """Gives (name, value) pairs that are replaced as well."""
        return []

    def rename(self, dn):
        pass

    def text(self, code, text):
        return text

    def shown(self, dn, attrs):
        """Changes the attributes of an entry that is given out."""


class Adlds(Directory):
    def add(self, dn, attrs):
        attrs["objectguid"] = ("objectGUID", [os.urandom(16)])

    def modify(self, dn, names):
        if "objectsid" in names:
            raise Refused(53, "0000209A: SvcErr: DSID-031A1021, problem 5003 "
                              "(WILL_NOT_PERFORM), data 0")
        return []


class Edirectory(Directory):
    WORDS = {16: "no such value (-602)", 20: "duplicate value (-614)",
             32: "no such entry (-601)", 50: "no access (-672)",
             65: "missing mandatory (-609)", 66: "entry is not a leaf (-629)",
             68: "entry already exists (-606)"}

    def add(self, dn, attrs):
        attrs["guid"] = ("GUID", [os.urandom(16)])
        secret = attrs.get("userpassword")
        if secret and len(secret[1][0]) < 5:
            raise Refused(53, "NDS error: password too short (-216)")

    def text(self, code, text):
        return f"NDS error: {self.WORDS[code]}" if code in self.WORDS else text


class Exchange55(Directory):
    """An entry's cn is its display name, whatever its RDN says."""

    def add(self, dn, attrs):
        attrs["usn-changed"] = ("USN-Changed", [self.next()])
        rdn = rdn_value(dn)
        attrs["rdn"] = ("rdn", [rdn])
        attrs["obj-dist-name"] = ("Obj-Dist-Name", [dn])
        name = attrs.get("cn")
        if name and rdn not in name[1]:
            name[1].append(rdn)

    def modify(self, dn, names):
        if "cn" in names:
            raise Refused(53, "the stand-in cannot change cn")
        return [("USN-Changed", self.next())]

    def rename(self, dn):
        raise Refused(53, "Modify DN is not supported")

    def shown(self, dn, attrs):
        name = attrs.get("cn")
        if name and len(name[1]) > 1:
            name[1].remove(rdn_value(dn))


class Domino(Directory):
    def add(self, dn, attrs):
        attrs["dominounid"] = ("dominoUNID",
                               [os.urandom(16).hex().upper().encode()])

    def rename(self, dn):
        raise Refused(53, "LDAP Modify DN operation is not supported")


KINDS = {"adlds": Adlds, "edirectory": Edirectory, "exchange55": Exchange55,
         "domino": Domino}


def rdn_value(dn):
    return dn.split(b",")[0].split(b"=", 1)[1]


# --- messages ---

def attributes(body):
    found = {}
    for _, one in parts(body):
        (_, name), (_, values) = parts(one)
        found[name.decode().lower()] = (
            name.decode(), [value for _, value in parts(values)])
    return found


def asked(directory, tag, body):
    """The request as slapd gets it."""
    if tag == ADD:
        (_, dn), (_, attrs) = parts(body)
        found = attributes(attrs)
        directory.add(dn, found)
        return element(4, dn) + element(0x30, b"".join(
            element(0x30, attribute(name, *values))
            for name, values in found.values()))
    if tag == MODIFY:
        (_, dn), (_, changes) = parts(body)
        names = {parts(parts(change)[1][1])[0][1].decode().lower()
                 for _, change in parts(changes)}
        for name, value in directory.modify(dn, names):
            changes += element(0x30, element(10, bytes([REPLACE])) + element(
                0x30, attribute(name, value)))
        return element(4, dn) + element(0x30, changes)
    if tag == RENAME:
        directory.rename(parts(body)[0][1])
    return body


def answered(directory, tag, body):
    """The answer as the client gets it."""
    if tag in RESULTS:
        found = parts(body)
        code = int.from_bytes(found[0][1], "big")
        text = directory.text(code, found[2][1].decode())
        found[2] = (4, text.encode())
        return joined(found)
    if tag == ENTRY:
        (_, dn), (_, attrs) = parts(body)
        found = attributes(attrs)
        directory.shown(dn, found)
        return element(4, dn) + element(0x30, b"".join(
            element(0x30, attribute(name, *values))
            for name, values in found.values()))
    return body


def refusal(found, tag, error):
    """The message that answers this request."""
    body = element(10, bytes([error.code])) + element(4, b"") + element(
        4, error.text.encode())
    return element(0x30, joined([found[0], (tag + 1, body)]))


def messages(connection):
    data = b""
    while True:
        _, start, end = head(data, 0)
        if end is not None:
            yield data[start:end]
            data = data[end:]
            continue
        try:
            more = connection.recv(65536)
        except OSError:
            more = b""
        if not more:
            return
        data += more


def pump(directory, source, target, change, back=None):
    for message in messages(source):
        try:
            found = parts(message)
            tag, body = found[1]
            found[1] = (tag, change(directory, tag, body))
            target.sendall(element(0x30, joined(found)))
        except Refused as error:
            back.sendall(refusal(found, tag, error))
        except (OSError, ValueError, IndexError):
            break
    for connection in (source, target):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(directory, client, port, context):
    try:
        if context:
            client = context.wrap_socket(client, server_side=True)
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:
        client.close()
        return
    for connection in (client, server):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answers = threading.Thread(
        target=pump, args=(directory, server, client, answered), daemon=True)
    answers.start()
    pump(directory, client, server, asked, client)
    answers.join()


def listen(directory, listener, port, context):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, daemon=True, args=(
            directory, client, port, context)).start()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("kind", choices=sorted(KINDS))
    options.add_argument("port", type=int)
    options.add_argument("--tls")
    options = options.parse_args()
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{options.tls}/server.pem",
                                f"{options.tls}/server.key")
    directory = KINDS[options.kind]()
    names = {"PORT": None, "TLS_PORT": context} if context else {"PORT": None}
    listeners = []
    for name, secure in names.items():
        listener = socket.create_server(("127.0.0.1", 0))
        print(f"{name}={listener.getsockname()[1]}", flush=True)
        listeners.append(threading.Thread(target=listen, args=(
            directory, listener, options.port, secure)))
        listeners[-1].start()
    print("READY", flush=True)


if __name__ == "__main__":
    main()
