"""A connection that breaks when so much has gone over it.

SPDX-License-Identifier: Apache-2.0
"""
import socket
import threading


class Cut:
    """Stands before a server, at its address and another port. When so many
    bytes came from it (or went to it), once: calls `action` and cuts all
    connections."""

    def __init__(self, address, port, action=None, received=None, sent=None):
        self.server = (address, port)
        self.limits = {"received": received, "sent": sent}
        self.counts = {"received": 0, "sent": 0}
        self.action = action
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.open = []
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.close_all()

    def close_all(self):
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.server)
            except OSError:
                client.close()
                continue
            self.open += [client, server]
            for ends in ((client, server, "sent"),
                         (server, client, "received")):
                threading.Thread(target=self.carry, args=ends,
                                 daemon=True).start()

    def carry(self, source, target, way):
        try:
            while data := source.recv(16384):
                self.note(way, len(data))
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def note(self, way, size):
        with self.lock:
            self.counts[way] += size
            limit = self.limits[way]
            if not limit or self.counts[way] < limit or self.done.is_set():
                return
            self.done.set()
            if self.action:
                self.action()
            self.close_all()
