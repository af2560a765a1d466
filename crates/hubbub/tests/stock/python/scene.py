"""A stock python-socketio client with a memory, and a scene of people for one case.

Handlers take exactly one argument, as those in the field do: an event with two would reach nobody here.
"""

import base64
import hashlib
import hmac
import json
import queue
import random
import time

import requests
import socketio
import websocket

# What must happen, happens within this time; in seconds.
PATIENCE = 20

EVENTS = [
    "message:new", "message:read", "message:edited", "message:deleted", "message:reaction", "typing:start", "typing:stop",
    "call:signal", "user:status", "error", "receive_message", "room_members", "stored", "token_expiring", "resync",
]


def token(secret, claims):
    """A token as any issuer makes one that has the cluster's secret."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {"exp": int(time.time()) + 3600, **claims}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.new(secret, text.encode(), hashlib.sha256).digest())


class Person:
    """Somebody with a token."""

    def __init__(self, id, name, token):
        self.id, self.name, self.token = id, name, token


class Socket:
    """One client. What it hears is taken one event of a name at a time, in the order in which they came."""

    def __init__(self):
        self.client = socketio.Client()
        self.heard = {event: queue.Queue() for event in [*EVENTS, "disconnect", "connect_error"]}
        for event in self.heard:
            self.client.on(event, self._handler(event))

    def _handler(self, event):
        def handler(data):
            self.heard[event].put(data)
        return handler

    def connect(self, address, transports, **options):
        """Connects; raises where that is refused."""
        self.client.connect(address, transports=transports, wait_timeout=PATIENCE, **options)
        return self

    @property
    def node(self):
        """The name of the node that has this session."""
        return self.client.eio.sid.split(".")[0]

    def next(self, event):
        """What the next event of this name carries."""
        try:
            return self.heard[event].get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"{event}: not within {PATIENCE} s") from None

    def until(self, event, holds):
        """The first event of this name with which the condition holds."""
        while True:
            data = self.next(event)
            if holds(data):
                return data

    def pending(self, event):
        """How many events of this name were heard and not taken."""
        return self.heard[event].qsize()

    def ask(self, event, data=None):
        """Sends one event and returns its acknowledgement."""
        return self.client.call(event, data, timeout=PATIENCE)

    def tell(self, event, data=None):
        """Sends one event, which must be acknowledged with success."""
        answer = self.ask(event, data)
        assert answer["ok"] is True, (event, data, answer)
        return answer

    def refused(self, code, event, data=None):
        """Sends one event, which must be refused with this code."""
        answer = self.ask(event, data)
        assert answer["ok"] is False and answer["error"]["code"] == code, (event, str(data)[:200], answer)

    def say(self, event, data=None):
        """Sends one event without asking for an acknowledgement."""
        self.client.emit(event, data)

    def leave(self):
        """Says goodbye."""
        # What this client sends while a request of its own is under way it forgets when it disconnects, its goodbye too.
        if self.client.connected:
            self.client.eio.queue.join()
        self.client.disconnect()


class Scene:
    """The people of one case, and what must be closed behind them."""

    def __init__(self, address, secret, transports):
        self.address, self.secret, self.transports = address, secret, transports
        self.name = f"{random.getrandbits(40):010x}"
        self.rooms = 0
        self.open = []

    def person(self, name, **claims):
        """Somebody nobody else has met; the gateway knows them from here on."""
        id = f"{name}-{self.name}"
        person = Person(id, name, token(self.secret, {"sub": id, "username": name, **claims}))
        self.http(person, "GET", "/api/me")
        return person

    def room(self):
        """A room nobody else is in."""
        self.rooms += 1
        return int(self.name, 16) * 100 + self.rooms

    def http(self, person, method, path, body=None):
        """A request with the person's token; its answer, which must be a good one."""
        headers = {"authorization": f"Bearer {person.token}"} if person else {}
        answer = requests.request(method, self.address + path, json=body, headers=headers, timeout=PATIENCE)
        assert answer.ok, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.text else None

    def chat(self, owner, *others):
        """A chat of these people; returns its id."""
        return self.http(owner, "POST", "/api/chats", {"participantIds": [other.id for other in others]})["id"]

    def dial(self, query="", **options):
        """A socket by these options, which must be let in."""
        socket = Socket()
        try:
            socket.connect(self.address + query, self.transports, **options)
        except socketio.exceptions.ConnectionError as error:
            raise AssertionError(f"{error}: {list(socket.heard['connect_error'].queue)}") from None
        self.open.append(socket.leave)
        return socket

    def connect(self, person, apart=None):
        """Connects with the person's token, on another node than that of `apart`, if given."""
        tries = 0
        while True:
            tries += 1
            try:
                socket = self.dial(auth={"token": person.token})
            except AssertionError as error:
                # Those that came to the wrong node and left a moment ago may still be counted.
                if tries > 1 and "too_many_connections" in str(error):
                    continue
                raise
            if apart is None or socket.node != apart.node:
                return socket
            socket.leave()

    def talk(self):
        """A chat of two people, whose sockets are on two nodes."""
        alice, bob = self.person("Alice"), self.person("Bob")
        chat = self.chat(alice, bob)
        a = self.connect(alice)
        return alice, bob, chat, a, self.connect(bob, apart=a)

    def pair(self):
        """Two people on two nodes, and a room that nobody is in yet."""
        alice, bob = self.person("Alice"), self.person("Bob")
        a = self.connect(alice)
        return alice, bob, a, self.connect(bob, apart=a), self.room()

    def raw(self, person):
        """A raw WebSocket on the same balancer: functions that send and take one frame."""
        address = self.address.replace("http", "ws", 1) + f"/?token={person.token}"
        connection = websocket.create_connection(address, timeout=PATIENCE)
        self.open.append(connection.close)
        return lambda frame: connection.send(json.dumps(frame)), lambda: json.loads(connection.recv())

    def close(self):
        """Ends everybody's connections."""
        for end in self.open:
            end()
