import { bind, getsockname } from './libc.ts';

const AF_NETLINK = 16;

/**
 * By whose hand the kernel was changed: its events carry the netlink port id of the socket that asked for the change
 * (nlmsg_pid, netlink(7)). Those of this agent are noted here: of its sockets, and of the commands that it runs, whose
 * first netlink socket has their process id. A number may be in use by sockets of several namespaces.
 */
const ours = new Map<number, number>();

/** How long a number counts after its socket was closed, milliseconds: events are told later than they happen. */
const AFTERWARDS = 5000;

/**
 * Notes the number of a socket, or the process id of a command, as the agent's own. The answer is to be called when it
 * is closed or ended.
 */
export function addHand(port: number | undefined): () => void {
  if (port === undefined) return () => undefined;
  ours.set(port, (ours.get(port) ?? 0) + 1);
  return () => void setTimeout(() => release(port), AFTERWARDS).unref();
}

function release(port: number): void {
  const left = (ours.get(port) ?? 0) - 1;
  if (left > 0) ours.set(port, left);
  else ours.delete(port);
}

/** Whether a change with this number was made by somebody else. What the kernel does by itself has number 0. */
export const isForeign = (port: number): boolean => port !== 0 && !ours.has(port);

/**
 * Port id of a netlink socket, which gets one now if it has none yet; undefined for descriptors that are no such
 * sockets.
 */
export function portOf(fd: number): number | undefined {
  const address = Buffer.alloc(12);
  if (getsockname(fd, address, [address.length]) !== 0 || address.readUInt16LE(0) !== AF_NETLINK) return undefined;
  const port = address.readUInt32LE(4);
  if (port !== 0) return port;
  // Number 0 asks the kernel to choose.
  return bind(fd, address, address.length) === 0 ? portOf(fd) : undefined;
}
