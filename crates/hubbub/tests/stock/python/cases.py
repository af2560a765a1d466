"""What python-socketio clients do and hear: every event of both vocabularies.

cases.py ADDRESS SECRET_FILE TRANSPORT...: runs every case, several at once, and prints one JSON line for each.
"""

import json
import re
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import socketio

from scene import PATIENCE, Scene, Socket, token

# Cases that run at once: most of their time is waiting.
AT_ONCE = 8
NOWHERE = "018f0000-0000-7000-8000-000000000000"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CASES = []


def case(act):
    """A case; its name says what is shown."""
    CASES.append(act)
    return act


def same(actual, expected):
    """They are equal, in type as well."""
    assert json.dumps(actual, sort_keys=True) == json.dumps(expected, sort_keys=True), f"{actual} is not {expected}"


def heard_by(sender, sockets, chat, content, **more):
    """Sends a message and waits until all of these have heard it as their next one."""
    answer = sender.tell("message:send", {"chatId": chat, "content": content, **more})
    messages = [socket.next("message:new") for socket in sockets]
    for message in messages:
        same([message["id"], message["seq"], message["content"]], [answer["id"], answer["seq"], content])
    return messages[0]


def shown_by(sender, sockets, room, text, **more):
    """Says something in a live room and waits until all of these have heard it as their next message."""
    answer = sender.tell("send_message", {"roomId": room, "text": text, **more})
    messages = [socket.next("receive_message") for socket in sockets]
    for message in messages:
        same([message["id"], message["seq"], message["text"]], [answer["id"], answer["seq"], text])
    return messages[0]


def people(shown):
    return sorted(member["userId"] for member in shown["members"])


def refusal(scene, query="", **options):
    """Why a connection was refused: what the handler of connect_error was given."""
    socket, began = Socket(), time.monotonic()
    try:
        socket.connect(scene.address + query, scene.transports, **options)
    except socketio.exceptions.ConnectionError:
        assert time.monotonic() - began < PATIENCE, "the refusal holds the client up"
        return socket.next("connect_error")
    socket.leave()
    raise AssertionError("it was let in")


@case
def the_token_may_be_in_auth_query_header_or_cookie(scene):
    alice = scene.person("Alice")
    account = {"username": f"carol{scene.name}", "password": "correct horse"}
    scene.http(None, "POST", "/api/auth/register", account)
    carol = scene.http(None, "POST", "/api/auth/login", account)
    for user, query, options in [
        (alice.id, "", {"auth": {"token": alice.token}}),
        (alice.id, f"?token={alice.token}", {}),
        (alice.id, "", {"headers": {"Authorization": f"Bearer {alice.token}"}}),
        (carol["user"]["id"], "", {"headers": {"Cookie": f"theme=dark; token={carol['token']}"}}),
    ]:
        socket = scene.dial(query, **options)
        room = scene.room()
        socket.tell("join_room", room)
        same(shown_by(socket, [socket], room, "in")["userId"], user)


@case
def no_token_and_a_bad_one_are_refused(scene):
    old = token(scene.secret, {"sub": "x", "exp": int(time.time()) - 60})
    for query, options in [("", {}), ("", {"auth": {"token": "bad"}}), ("", {"auth": {"token": old}}), ("?token=bad", {})]:
        error = refusal(scene, query, **options)
        same([error["message"], error["data"]["code"]], ["Authentication error", "unauthorized"])


@case
def one_connection_too_many_is_refused_with_a_code(scene):
    alice = scene.person("Alice")
    sockets = [scene.connect(alice) for _ in range(5)]
    same(refusal(scene, auth={"token": alice.token})["data"]["code"], "too_many_connections")
    for socket in sockets:
        socket.tell("leave_room", 1)


@case
def a_message_has_every_field_and_reaches_everybody(scene):
    alice, _, chat, a, b = scene.talk()
    message = heard_by(a, [a, b], chat, "hello", clientId="c-1")
    assert TIME.fullmatch(message.pop("created_at"))
    same([message.pop("epoch"), len(message.pop("id"))], [1, 36])
    sender = {"id": alice.id, "username": "Alice"}
    same(message, {"chat_id": chat, "content": "hello", "message_type": "text", "sender": sender, "seq": 1,
                   "client_id": "c-1", "attachments": []})
    a.say("message:send", {"chatId": chat, "content": "no callback"})
    for socket in [a, b]:
        same(socket.next("message:new")["content"], "no callback")


@case
def a_repeat_is_heard_once_and_told_when_it_is_stored(scene):
    _, _, chat, a, b = scene.talk()
    first = heard_by(a, [a, b], chat, "once", clientId="same")
    again = a.tell("message:send", {"chatId": chat, "content": "otherwise", "clientId": "same"})
    same([again["id"], again["seq"]], [first["id"], first["seq"]])
    same(a.next("stored"), {"chatId": chat, "epoch": 1, "seq": 1})
    heard_by(b, [a, b], chat, "next")
    same(b.pending("stored"), 0)


@case
def a_reply_is_told(scene):
    _, _, chat, a, b = scene.talk()
    first = heard_by(a, [a, b], chat, "first")
    reply = heard_by(b, [a, b], chat, "second", replyTo=first["id"], messageType="image")
    same([reply["reply_to"], reply["message_type"]], [first["id"], "image"])


@case
def who_leaves_a_chat_hears_what_was_missed_when_joining_since(scene):
    _, _, chat, a, b = scene.talk()
    b.tell("chat:leave", {"chatId": chat})
    for content in ["one", "two", "three"]:
        heard_by(a, [a], chat, content)
    joined = b.tell("chat:join", {"chatId": chat, "since": 1})
    same([joined["seq"], joined["epoch"], joined["recovered"]], [3, 1, True])
    for content in ["two", "three"]:
        same(b.next("message:new")["content"], content)
    heard_by(a, [a, b], chat, "four")


@case
def a_receipt_moves_forward_only(scene):
    _, bob, chat, a, b = scene.talk()
    one, two, three = [heard_by(a, [a, b], chat, content) for content in ["one", "two", "three"]]
    b.tell("message:read", {"chatId": chat, "messageId": two["id"]})
    same(a.next("message:read"), {"messageId": two["id"], "userId": bob.id, "chatId": chat})
    b.tell("message:read", {"chatId": chat, "messageId": one["id"]})
    b.tell("message:read", {"chatId": chat, "messageId": three["id"]})
    same(a.next("message:read")["messageId"], three["id"])
    b.refused("not_found", "message:read", {"chatId": chat, "messageId": NOWHERE})


@case
def a_message_is_edited_and_deleted_by_its_author(scene):
    _, _, chat, a, b = scene.talk()
    target = {"chatId": chat, "messageId": heard_by(a, [a, b], chat, "helo")["id"]}
    seq = a.tell("message:edit", {**target, "content": "hello"})["seq"]
    for socket in [a, b]:
        edited = socket.next("message:edited")
        assert TIME.fullmatch(edited.pop("editedAt"))
        same(edited, {**target, "content": "hello", "seq": seq})
    b.refused("forbidden", "message:edit", {**target, "content": "mine"})
    b.refused("forbidden", "message:delete", target)
    seq = a.tell("message:delete", target)["seq"]
    for socket in [a, b]:
        same(socket.next("message:deleted"), {**target, "seq": seq})


@case
def a_reaction_is_added_and_taken_back(scene):
    _, bob, chat, a, b = scene.talk()
    target = {"chatId": chat, "messageId": heard_by(a, [a, b], chat, "good news")["id"]}
    for removed, more in [(False, {}), (True, {"remove": True})]:
        seq = b.tell("message:react", {**target, "emoji": "👍", **more})["seq"]
        for socket in [a, b]:
            expected = {**target, "userId": bob.id, "emoji": "👍", "removed": removed, "seq": seq}
            same(socket.next("message:reaction"), expected)


@case
def typing_reaches_the_others_and_expires(scene):
    alice, _, chat, a, b = scene.talk()
    start = {"chatId": chat, "userId": alice.id, "username": "Alice"}
    stop = {"chatId": chat, "userId": alice.id}
    a.tell("typing:start", {"chatId": chat})
    same(b.next("typing:start"), start)
    a.tell("typing:stop", {"chatId": chat})
    same(b.next("typing:stop"), stop)
    a.tell("typing:start", {"chatId": chat})
    same(b.next("typing:start"), start)
    began = time.monotonic()
    same(b.next("typing:stop"), stop)
    assert 4.5 < time.monotonic() - began < 12
    same(a.pending("typing:start") + a.pending("typing:stop"), 0)


@case
def call_signals_reach_those_who_share_a_chat(scene):
    alice, bob, _, a, b = scene.talk()
    stranger = scene.person("Stranger")
    for kind in ["offer", "answer", "ice", "hangup", "ring"]:
        data = {"sdp": kind, "nested": [1, None, {"deep": True}]}
        a.tell("call:signal", {"to": bob.id, "kind": kind, "data": data})
        same(b.next("call:signal"), {"from": alice.id, "kind": kind, "data": data})
    a.refused("forbidden", "call:signal", {"to": stranger.id, "kind": "ring", "data": 1})


@case
def a_user_is_online_with_the_first_connection_and_offline_after_the_last(scene):
    alice, bob = scene.person("Alice"), scene.person("Bob")
    scene.chat(alice, bob)
    a = scene.connect(alice)
    first = scene.connect(bob)
    same(a.next("user:status"), {"userId": bob.id, "status": "online"})
    second = scene.connect(bob, apart=first)
    first.leave()
    second.leave()
    offline = a.next("user:status")
    assert TIME.fullmatch(offline.pop("lastSeen"))
    same(offline, {"userId": bob.id, "status": "offline"})


@case
def participants_come_and_go_while_connected(scene):
    alice, _, chat, a, b = scene.talk()
    carol = scene.person("Carol")
    c = scene.connect(carol, apart=a)
    c.refused("not_a_participant", "message:send", {"chatId": chat, "content": "let me in"})
    scene.http(alice, "POST", f"/api/chats/{chat}/participants", {"userId": carol.id})
    deadline = time.monotonic() + PATIENCE
    while c.pending("message:new") == 0:
        assert time.monotonic() < deadline, "the new participant hears nothing"
        a.tell("message:send", {"chatId": chat, "content": "welcome"})
    c.tell("message:send", {"chatId": chat, "content": "thank you"})
    for socket in [a, b, c]:
        same(socket.until("message:new", lambda message: message["content"] != "welcome")["content"], "thank you")
    scene.http(alice, "DELETE", f"/api/chats/{chat}/participants/{carol.id}")
    heard_by(a, [a, b], chat, "alone")
    c.refused("not_a_participant", "chat:join", {"chatId": chat})
    same(c.pending("message:new"), 0)


@case
def bad_input_is_answered_and_the_connection_stays(scene):
    _, _, chat, a, b = scene.talk()
    for code, event, data in [
        ("invalid_message", "chat:join", None), ("invalid_message", "chat:join", {"chatId": True}),
        ("invalid_message", "message:send", {"chatId": chat, "content": " \n "}),
        ("too_large", "message:send", {"chatId": chat, "content": "x" * 8193}),
        ("invalid_message", "call:signal", {"to": "x", "kind": "yodel", "data": 1}),
        ("not_in_room", "send_message", {"roomId": scene.room(), "text": "x"}),
        ("invalid_room", "join_room", "no blanks"), ("unknown_type", "no:such:event", {}),
    ]:
        a.refused(code, event, data)
    a.say("message:send", {"chatId": chat, "content": 5})
    same(a.next("error")["code"], "invalid_message")
    heard_by(a, [a, b], chat, "still here")


@case
def join_room_takes_a_number_a_text_or_an_object(scene):
    _, _, a, b, room = scene.pair()
    for argument, form in [(room, room), (str(room), str(room)), ({"roomId": room}, room), ({"roomId": str(room)}, str(room))]:
        joined = a.tell("join_room", argument)
        same([joined["roomId"], joined["seq"], joined["epoch"], joined["members"]], [form, 0, 1, 1])
    same(b.tell("join_room", room)["members"], 2)
    for argument in [room, str(room), {"roomId": room}]:
        b.tell("leave_room", argument)
        b.refused("not_in_room", "send_message", {"roomId": room, "text": "outside"})
        b.tell("join_room", room)
    shown_by(a, [a, b], room, "one room")


@case
def a_message_carries_the_clients_own_fields(scene):
    alice, _, a, b, room = scene.pair()
    for socket in [a, b]:
        socket.tell("join_room", room)
    extra = {"mood": "good", "tags": ["x", 1, None], "nested": {"deep": {"er": True}}, "big": 12345678901, "fraction": 0.5}
    a.tell("send_message", {"roomId": room, "text": "hello", "clientId": "c-1", **extra})
    for socket in [a, b]:
        message = socket.next("receive_message")
        assert TIME.fullmatch(message.pop("sentAt"))
        same([message.pop("epoch"), len(message.pop("id"))], [1, 36])
        ours = {"roomId": room, "text": "hello", "userId": alice.id, "username": "Alice", "seq": 1, "clientId": "c-1"}
        same(message, {**extra, **ours})
    same(a.next("stored"), {"roomId": room, "epoch": 1, "seq": 1})


@case
def joining_another_room_leaves_the_one_before(scene):
    alice, bob, a, b, room = scene.pair()
    for socket in [a, b]:
        socket.tell("join_room", room)
    same(people(a.until("room_members", lambda shown: shown["count"] == 2)), sorted([alice.id, bob.id]))
    other = scene.room()
    b.tell("join_room", {"roomId": other})
    alone = {"roomId": room, "members": [{"userId": alice.id, "username": "Alice"}], "count": 1}
    same(a.until("room_members", lambda shown: shown["count"] == 1), alone)
    b.refused("not_in_room", "send_message", {"roomId": room, "text": "a ghost?"})
    shown_by(a, [a], room, "are you a ghost?")
    shown_by(b, [b], other, "no")


@case
def join_room_with_since_brings_what_was_missed(scene):
    _, _, a, b, room = scene.pair()
    a.tell("join_room", room)
    for text in ["one", "two", "three"]:
        shown_by(a, [a], room, text)
    joined = b.tell("join_room", {"roomId": room, "since": 1, "epoch": 1})
    same([joined["seq"], joined["recovered"], joined["members"]], [3, True, 2])
    # This client runs each handler in a thread of its own: which of two comes first there is not the server's doing.
    missed = sorted([b.next("receive_message") for _ in range(2)], key=lambda message: message["seq"])
    same([message["text"] for message in missed], ["two", "three"])


@case
def whoever_disconnects_has_left_the_room(scene):
    alice, _, a, b, room = scene.pair()
    for socket in [a, b]:
        socket.tell("join_room", room)
    a.until("room_members", lambda shown: shown["count"] == 2)
    b.leave()
    same(people(a.until("room_members", lambda shown: shown["count"] == 1)), [alice.id])


@case
def a_raw_client_in_the_same_room_hears_and_is_heard(scene):
    alice, _, a, b, room = scene.pair()
    carol = scene.person("Carol")
    send, take = scene.raw(carol)
    send({"type": "join_room", "roomId": room})
    same(take()["type"], "joined")
    for socket in [a, b]:
        socket.tell("join_room", room)
    said = shown_by(a, [a, b], room, "to all doors", mood="open")
    frame = take()
    same([frame["type"], frame["id"], frame["message"], frame["userId"]], ["chat", said["id"], "to all doors", alice.id])
    send({"type": "chat", "roomId": room, "message": "from the raw door"})
    frame = take()
    for socket in [a, b]:
        heard = socket.next("receive_message")
        same([heard["id"], heard["text"], heard["userId"]], [frame["id"], "from the raw door", carol.id])


@case
def a_token_about_to_end_is_announced_and_refreshed(scene):
    alice = scene.person("Alice")
    short = token(scene.secret, {"sub": alice.id, "username": "Alice", "exp": int(time.time()) + 20})
    socket = scene.dial(auth={"token": short})
    assert 0 < socket.next("token_expiring")["inMs"] <= 30_000
    socket.refused("unauthorized", "refresh", {"token": "bad"})
    socket.tell("refresh", {"token": alice.token})
    socket.tell("leave_room", 1)


def run(act, arguments):
    """One case: what is printed of it."""
    scene = Scene(*arguments)
    try:
        act(scene)
        error = None
    except Exception:
        error = traceback.format_exc()
    finally:
        scene.close()
    return {"name": act.__name__.replace("_", " "), "error": error}


def main(address, secret_file, *transports):
    with open(secret_file, "rb") as file:
        arguments = (address, file.read(), list(transports) or None)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(lambda act: run(act, arguments), CASES):
            print(json.dumps(result), flush=True)


main(*sys.argv[1:])
