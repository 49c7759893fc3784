"""A libtorrent client for the interop tests: MODE TORRENT DIRECTORY [HOST:PORT ...].

fetch: connects to the peers it is given, fetches everything, prints `done`.
seed: checks what is in the directory, prints `port N` once it seeds; both end when standard input does.
"""
import sys
import threading
import time

import libtorrent

mode, torrent, directory, peers = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
# Nothing that would reach beyond this machine; the wire protocol is left as it comes.
session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    # A fleet speaks TCP; left to itself libtorrent tries uTP first and TCP a minute later.
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
})
handle = session.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": directory})
ended = threading.Event()


def wait_for_end():
    sys.stdin.read()
    ended.set()


threading.Thread(target=wait_for_end, daemon=True).start()
told = False
while not ended.is_set():
    status = handle.status()
    if status.state != libtorrent.torrent_status.checking_files and not status.is_seeding:
        for peer in peers:
            host, port = peer.rsplit(":", 1)
            handle.connect_peer((host, int(port)))
    if status.is_seeding and not told:
        told = True
        print("done" if mode == "fetch" else "port %d" % session.listen_port(), flush=True)
    time.sleep(0.1)
