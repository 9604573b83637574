"""A BitTorrent client on libtorrent: libtorrent_client.py TORRENT FOLDER ADDRESS

Shares the torrent's file in FOLDER until it is told to stop (SIGINT), and prints "listening", then "complete" when it
has all of it. Everything that finds peers without a tracker is off.
"""

import signal
import sys
import time

import libtorrent

STOP_SECONDS_MAX = 5

torrent, folder, address = sys.argv[1:]
is_stopping = False


def stop(*_):
    global is_stopping
    is_stopping = True


signal.signal(signal.SIGINT, stop)
session = libtorrent.session({
    "listen_interfaces": f"{address}:0",
    "allow_multiple_connections_per_ip": True,
    "enable_dht": False,
    "enable_lsd": False,
    "enable_natpmp": False,
    "enable_upnp": False,
    # TCP is what the others speak.
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "stop_tracker_timeout": STOP_SECONDS_MAX,
    "alert_mask": libtorrent.alert.category_t.all_categories,
})
parameters = libtorrent.add_torrent_params()
parameters.ti = libtorrent.torrent_info(torrent)
parameters.save_path = folder
handle = session.add_torrent(parameters)
print("listening", flush=True)

is_complete = False
while not is_stopping:
    # Not wait_for_alert(), which crashes once in some hundred times.
    time.sleep(0.1)
    for alert in session.pop_alerts():
        if isinstance(alert, (libtorrent.tracker_error_alert, libtorrent.tracker_warning_alert)):
            print(alert.message(), flush=True)
    if not is_complete and handle.status().is_seeding:
        is_complete = True
        print("complete", flush=True)

# The session tells the tracker "stopped" and waits for its reply as it ends.
session.remove_torrent(handle)
del session
