/** In the VM: sends back what comes, by TCP and UDP. Parameters: address and ports. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { answerLines } from './lines.ts';

const [address, ...ports] = process.argv.slice(2);
for (const port of ports.map(Number)) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await once(server.listen(port, address, 512), 'listening');
  const datagrams = createSocket('udp4');
  datagrams.on('message', (message, { port: from, address: client }) => datagrams.send(message, from, client));
  await once(datagrams.bind(port, address), 'listening');
}
await answerLines(() => undefined);
