# Stock libtorrent with its default settings: `libtorrent-node.py seed|fetch TORRENT DIRECTORY ADDRESS`.
# Says `ready`, begins to fetch at `go`, says `done` and the time in milliseconds.
import sys
import time

import libtorrent as lt

role, torrent, directory, address = sys.argv[1:5]
session = lt.session({
    "listen_interfaces": f"{address}:6881",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "alert_mask": lt.alert.category_t.status_notification,
})


def add():
    return session.add_torrent({"ti": lt.torrent_info(torrent), "save_path": directory})


def wait_until_seeding(handle):
    while not handle.status().is_seeding:
        session.wait_for_alert(20)
        session.pop_alerts()


if role == "seed":
    wait_until_seeding(add())
    print("ready", flush=True)
else:
    print("ready", flush=True)
    sys.stdin.readline()
    wait_until_seeding(add())
    print(f"done {int(time.time() * 1000)}", flush=True)
while True:
    time.sleep(60)
