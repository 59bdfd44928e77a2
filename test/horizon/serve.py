"""Serves Debian's Horizon on a free port of the loopback address and prints the URL. Ends with its standard input."""

import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"

from django.core.wsgi import get_wsgi_application  # noqa: E402


class Server(ThreadingMixIn, WSGIServer):
    """Each request has a thread of its own, as under a real web server."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, format, *args):
        """Says nothing: the test knows what it asked for."""


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


server = make_server("127.0.0.1", 0, get_wsgi_application(), Server, Handler)
threading.Thread(target=end_with_parent, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
