import koffi from 'koffi';

/** The C library's calls that Node does not offer. Each works on the calling thread. Constants: Linux on 64 bits. */
const library = koffi.load('libc.so.6');

/** Moves the calling thread into the namespace of an open descriptor; 0, or −1 with errno. */
export const setns = library.func('int setns(int, int)') as (fd: number, type: number) => number;
/** Gives the calling thread new namespaces; 0, or −1 with errno. */
export const unshare = library.func('int unshare(int)') as (flags: number) => number;
export const mount = library.func('int mount(const char*, const char*, const char*, unsigned long, void*)') as (
  source: string,
  target: string,
  type: string | null,
  flags: number,
  data: null,
) => number;
export const umount2 = library.func('int umount2(const char*, int)') as (target: string, flags: number) => number;
export const socket = library.func('int socket(int, int, int)') as (
  family: number,
  type: number,
  protocol: number,
) => number;
export const close = library.func('int close(int)') as (fd: number) => number;
export const setsockopt = library.func('int setsockopt(int, int, int, const void*, uint32_t)') as (
  fd: number,
  level: number,
  option: number,
  value: Buffer,
  length: number,
) => number;
/** A call that moves bytes; its other form does so on a thread of its own. */
type Transfer = ((fd: number, data: Buffer, length: number, flags: number) => number) & {
  async(
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    done: (error: Error | null, count: number) => void,
  ): void;
};
export const send = library.func('long send(int, const void*, size_t, int)') as Transfer;
export const recv = library.func('long recv(int, _Out_ uint8_t*, size_t, int)') as Transfer;
export const sendto = library.func('long sendto(int, const void*, size_t, int, const void*, uint32_t)') as (
  fd: number,
  data: Buffer,
  length: number,
  flags: number,
  address: Buffer,
  addressLength: number,
) => number;
export const poll = library.func('int poll(_Inout_ uint8_t*, unsigned long, int)') as (
  entries: Buffer,
  count: number,
  milliseconds: number,
) => number;
export const getsockopt = library.func('int getsockopt(int, int, int, _Out_ uint8_t*, _Inout_ uint32_t*)') as (
  fd: number,
  level: number,
  option: number,
  value: Buffer,
  length: [number],
) => number;
export const connect = library.func('int connect(int, const void*, uint32_t)') as (
  fd: number,
  address: Buffer,
  length: number,
) => number;
export const bind = library.func('int bind(int, const void*, uint32_t)') as (
  fd: number,
  address: Buffer,
  length: number,
) => number;
/** Writes a socket's own address into `address`; `length` holds its size before and after. */
export const getsockname = library.func('int getsockname(int, _Out_ uint8_t*, _Inout_ uint32_t*)') as (
  fd: number,
  address: Buffer,
  length: [number],
) => number;
export const eventfd = library.func('int eventfd(unsigned int, int)') as (initial: number, flags: number) => number;
/** pidfd_open(2), for which the library of Debian 12 has no wrapper everywhere. */
export const pidfdOpen = (pid: number): number => Number(syscall(434, pid, 0));
const syscall = library.func('long syscall(long, int, unsigned int)') as (
  number: number,
  pid: number,
  flags: number,
) => number;

/** linux/filter.h: instructions of classic BPF, which say what of the messages to a socket it gets. */
koffi.struct('sock_filter', { code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' });
koffi.struct('sock_fprog', { len: 'uint16_t', filter: 'sock_filter*' });
const attach = library.func('int setsockopt(int, int, int, const sock_fprog*, uint32_t)') as (
  fd: number,
  level: number,
  option: number,
  program: { len: number; filter: readonly BpfInstruction[] },
  length: number,
) => number;

export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Gives a socket a filter: 0, or −1 with errno. asm-generic/socket.h: SOL_SOCKET 1, SO_ATTACH_FILTER 26. */
export const attachFilter = (fd: number, filter: readonly BpfInstruction[]): number =>
  attach(fd, 1, 26, { len: filter.length, filter }, 16);

/** Index of a device in the thread's network namespace, 0 when there is none. */
export const ifNameToIndex = library.func('unsigned int if_nametoindex(const char*)') as (name: string) => number;

/** Name of the device with an index in the thread's network namespace; null when there is none. IF_NAMESIZE is 16. */
export const ifIndexToName = library.func('const char* if_indextoname(unsigned int, _Out_ uint8_t*)') as (
  index: number,
  buffer: Buffer,
) => string | null;

const strerror = library.func('const char* strerror(int)') as (errno: number) => string;

/** Error of the C library's last call on this thread. */
export const lastErrno = (): number => koffi.errno();

/** Text of an error number: `File exists`. */
export const errorText = (errno: number): string => strerror(errno);

/** An error of the kernel, with its number (errno(3)). */
export class KernelError extends Error {
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what}: ${errorText(errno)}`);
    this.name = 'KernelError';
    this.errno = errno;
  }
}

/** Result of a call that gives −1 on failure. */
export function checked(what: string, result: number): number {
  if (result < 0) throw new KernelError(what, lastErrno());
  return result;
}

/** errno(3) */
export const ENOENT = 2;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const EADDRNOTAVAIL = 99;
