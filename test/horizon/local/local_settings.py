"""What an operator writes to set up Horizon: it finds this file by Python's path, before its own directory.

Nothing outside the process is needed: sessions are in memory, and pages name their styles and scripts as they are,
neither compiled nor collected, for no browser ever loads them.
"""

import os

from openstack_dashboard.defaults import SECURITY_GROUP_RULES

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
SECRET_KEY = os.environ["HORIZON_SECRET_KEY"]
OPENSTACK_KEYSTONE_URL = os.environ["HORIZON_KEYSTONE_URL"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
OPENSTACK_NEUTRON_NETWORK = {"enable_distributed_router": True, "enable_ha_router": True}
SECURITY_GROUP_RULES = {
    **SECURITY_GROUP_RULES,
    "https": {"name": "HTTPS", "ip_protocol": "tcp", "from_port": "443", "to_port": "443"},
}
COMPRESS_ENABLED = False
COMPRESS_PRECOMPILERS = ()
# Policies hide from users what only administrators may do. These say the least: nearly everything is offered to
# everybody, and the APIs decide.
POLICY_FILES_PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conf")
POLICY_FILES = {
    "network": "network.yaml",
    **{service: "others.yaml" for service in ("identity", "compute", "image", "volume")},
}

# Every request that Horizon sends to an API is one line on standard error; what went wrong is told there too.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"urllib3.connectionpool": {"level": "DEBUG"}},
}
