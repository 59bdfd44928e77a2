"""A pass over everything that Portward serves, by openstacksdk as it is. Clouds come from OS_CLIENT_CONFIG_FILE."""

import warnings

import openstack

import cloud
import networks
import routers
import sharing
from step import run

warnings.simplefilter("ignore")
run(
    [*networks.GROUPS, *routers.GROUPS, *cloud.GROUPS, *sharing.GROUPS],
    openstack.connect("portward-admin"),
    openstack.connect("portward-demo"),
)
