/** What `portward` can do, when it is asked for nothing in particular. */
export const overview = (): string => `portward: one public address for many virtual machines.

Run it
  portward up --demo                 the whole system and the article's cloud, in a sandbox on this machine
  portward up                        controller and agent on this machine
  portward controller --data-dir D   the API alone
  portward agent --controller …      the data plane of one host
  portward doctor                    what a host lacks for that, and how to mend it

Use it (the words of the openstack command)
  portward floating ip create --floating-ip-address 10.11.7.4 ext-net
  portward floating ip port forwarding create --internal-ip-address 192.168.2.79 --port PORT \\
           --protocol tcp --internal-protocol-port 22 --external-protocol-port 2222 10.11.7.4
  portward router list --long

'portward COMMAND --help' tells more of each. Sign in with --os-cloud NAME and a clouds.yaml, or with OS_* variables.
`;
