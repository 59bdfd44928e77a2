/** One way in which `portward` departs from openstackclient 6.0 on purpose. */
export interface Difference {
  /** A word for it, by which tests name it. */
  readonly name: string;
  readonly what: string;
}

/** Everything that `portward` does otherwise than `openstack`, where both have the command. */
export const DIFFERENCES = [
  {
    name: 'usage',
    what:
      'A usage error shows the usage in `portward`’s own layout, and names the nearest command or option. The reason' +
      ' is worded as `openstack` words it, and the exit code is 2 for both.',
  },
  {
    name: 'location',
    what:
      '`quota show` and `extension show` have no row `location`: it tells where the client signed in, not what the' +
      ' cloud has.',
  },
  {
    name: 'updated',
    what: '`extension list --long` fills the column `Updated`, which `openstack` leaves empty.',
  },
  {
    name: 'port-ranges',
    what:
      'Port forwardings take ranges (`--internal-protocol-port 80:90`) and show them in the rows' +
      ' `external_port_range` and `internal_port_range`, as newer versions of `openstack` do. The list keeps the' +
      ' seven columns of 6.0; a range stands in the cell of the port.',
  },
  {
    name: 'protocol-case',
    what: '`--protocol TCP` of a port forwarding is sent as `tcp`, the only spelling that the API takes.',
  },
  {
    name: 'whole-numbers',
    what: '`flavor list --long` shows an `RXTX Factor` of 1.0 as 1: the number is the same.',
  },
  {
    name: 'filters',
    what:
      '`port list --security-group` and `subnet list --service-type` are asked of the API; the library of `openstack`' +
      ' 6.0 refuses them by itself.',
  },
  {
    name: 'left-out',
    what:
      'Options about block storage (`server create --volume`, `quota set --gigabytes` and the like), about files and' +
      ' certificates inside servers, about groups of endpoints and about types of key pairs are left out.',
  },
  {
    name: 'exit-code',
    what: 'Who cannot sign in or reach the cloud gets exit code 3 and a hint; `openstack` ends with 1.',
  },
] as const satisfies readonly Difference[];

/** What `openstack` has and `portward` has not. */
export const NOT_THERE =
  'Commands of services that Portward does not serve are not there: quality of service, segments, meters, flavors of' +
  ' routers, trunks, local IPs, conntrack helpers, volumes, images beyond their list, and federation.';

/** What only a terminal shows. */
export const AT_A_TERMINAL =
  'At a terminal, tables are drawn with lines and a bold head (not bold where `NO_COLOR` is set). Into a file or a' +
  ' pipe they are the plain ASCII tables of `openstack`.';
