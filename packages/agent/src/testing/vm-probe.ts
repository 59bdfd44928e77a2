import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestHost } from '../../../../test/test-host.ts';

/**
 * Runs in a VM's namespace for the whole of a test and does what lines of JSON ask for, each in a thread of its own: a
 * process for each packet would cost more than the packet. It notes every token `<<name>>` that arrives in a frame.
 */
const PROGRAM = `
import json, re, socket, sys, threading, time
lock = threading.Lock()
seen, held = {}, {}
news = threading.Condition()
def sniff(s):
  while True:
    try: data, origin = s.recvfrom(65535)
    except OSError: return
    if origin[2] == 4: continue
    found = re.findall(rb'<<([A-Za-z0-9 /.:-]+)>>', data)
    with news:
      for token in found: seen[token.decode()] = True
      news.notify_all()
def family(address): return socket.AF_INET6 if ':' in address else socket.AF_INET
def kind(protocol): return socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM
def accept(s, tick):
  while True:
    c, _ = s.accept()
    threading.Thread(target=tell if tick else echo, args=(c,), daemon=True).start()
def tell(c):
  try:
    while True: c.sendall(b'tick\\n'); time.sleep(0.02)
  except OSError: pass
def echo(c):
  try:
    while True:
      data = c.recv(65535)
      if not data: return
      c.sendall(data)
  except OSError: pass
def answer(s):
  while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data, peer)
def listen(q):
  s = socket.socket(family(q['address']), kind(q['protocol']))
  s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
  s.bind((q['address'], q['port']))
  if q['protocol'] == 'tcp': s.listen(50)
  threading.Thread(target=answer if q['protocol'] == 'udp' else accept, args=(s,) if q['protocol'] == 'udp' else (s, q.get('tick')), daemon=True).start()
  return True
def hold(q):
  s = socket.socket(family(q['to']), kind(q['protocol']))
  s.settimeout(q['ms'] / 1000)
  if q.get('source'): s.bind((q['source'], q.get('sourcePort', 0)))
  try: s.connect((q['to'], q['port']))
  except ConnectionRefusedError: return 'refused'
  except OSError: return 'silent'
  held[q['name']] = s
  return talk(q) if q.get('talk') else 'open'
def talk(q):
  s = held[q['name']]
  s.settimeout(q['ms'] / 1000)
  try:
    s.send(q['name'].encode())
    return 'answered' if s.recv(65535) else 'closed'
  except ConnectionRefusedError: return 'refused'
  except OSError: return 'silent'
def hears(q):
  s = held[q['name']]
  s.setblocking(False)
  try:
    while s.recv(65535): pass
  except OSError: pass
  s.settimeout(q['ms'] / 1000)
  try: return 'answered' if s.recv(65535) else 'closed'
  except OSError: return 'silent'
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
raw.bind(('eth0', 3))
raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
def send(q):
  for frame in q['frames']: raw.send(bytes.fromhex(frame))
  return True
def arrived(q):
  until = time.time() + q['ms'] / 1000
  with news:
    while q['token'] not in seen:
      left = until - time.time()
      if left <= 0: raise Exception('no ' + q['token'])
      news.wait(left)
    found = list(seen)
    seen.clear()
    return found
def work(q):
  try: result = {'id': q['id'], 'result': {'listen': listen, 'hold': hold, 'talk': talk, 'hears': hears, 'send': send, 'arrived': arrived}[q['do']](q)}
  except Exception as e: result = {'id': q['id'], 'error': repr(e)}
  with lock: print(json.dumps(result), flush=True)
threading.Thread(target=sniff, args=(raw,), daemon=True).start()
for line in sys.stdin: threading.Thread(target=work, args=(json.loads(line),), daemon=True).start()
`;

/** What came of talking to a port: `silent`: nothing came back at all. */
export type Answer = 'answered' | 'refused' | 'silent' | 'closed';

export interface Flow {
  to: string;
  port: number;
  /** `tcp` unless given. */
  protocol?: 'tcp' | 'udp';
  /** Own address to send from. */
  source?: string;
}

/** Milliseconds to wait for what should come, generous for busy machines, and for what should not. */
const LONG = 5000;
const SHORT = 300;

/** The hands of a test in a VM. */
export class VmProbe {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #id = 0;

  constructor(host: TestHost, namespace: string) {
    this.#process = host.spawn(['python3', '-c', PROGRAM], { namespace, stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#process.stdout === null) throw new Error('no output');
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const { id, result, error } = JSON.parse(line) as { id: number; result: never; error?: string };
      if (error === undefined) this.#waiting.get(id)?.resolve(result);
      else this.#waiting.get(id)?.reject(new Error(`${namespace}: ${error}`));
      this.#waiting.delete(id);
    });
  }

  /** Answers what comes to ports; with `tick`, sends on its own instead, fifty times a second. */
  async listen(
    address: string,
    ports: readonly number[],
    protocol: 'tcp' | 'udp' = 'tcp',
    tick = false,
  ): Promise<void> {
    await Promise.all(ports.map((port) => this.#ask('listen', { address, port, protocol, tick })));
  }

  /** Opens a connection that stays, under a name, and talks over it. */
  open(name: string, flow: Flow): Promise<Answer> {
    return this.#ask('hold', { protocol: 'tcp', ...flow, name, talk: true, ms: LONG });
  }

  /** Opens a connection to a port that sends on its own. */
  listenTo(name: string, flow: Flow): Promise<'open' | Answer> {
    return this.#ask('hold', { protocol: 'tcp', ...flow, name, ms: LONG });
  }

  /** Tries to reach a port. `shall`: whether an answer is expected, and so worth waiting for. */
  reach(flow: Flow, shall = true): Promise<Answer> {
    return this.#ask('hold', {
      protocol: 'tcp',
      ...flow,
      name: `once ${this.#id}`,
      talk: true,
      ms: shall ? LONG : SHORT,
    });
  }

  /** Talks over an open connection. */
  talk(name: string, shall = true): Promise<Answer> {
    return this.#ask('talk', { name, ms: shall ? LONG : SHORT });
  }

  /** Whether the other side of an open connection is still to be heard. */
  hears(name: string, shall = true): Promise<Answer> {
    return this.#ask('hears', { name, ms: shall ? LONG : SHORT });
  }

  async send(frames: readonly Buffer[]): Promise<void> {
    await this.#ask('send', { frames: frames.map((frame) => frame.toString('hex')) });
  }

  /** Waits for the token of the last frame of several, and gives all that have come since the last call. */
  arrived(last: string): Promise<string[]> {
    return this.#ask('arrived', { token: last, ms: LONG });
  }

  #ask<T>(what: string, parameters: object): Promise<T> {
    const id = ++this.#id;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      this.#process.stdin?.write(`${JSON.stringify({ ...parameters, do: what, id })}\n`);
    });
  }
}
