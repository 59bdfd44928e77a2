/**
 * In the router's namespace: makes the agent's edit straight in the kernel, with the agent's own means. Asked by lines
 * over the socket whose path is the parameter: `add …` or `delete …`, an element of the map.
 */
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { Nftables } from '@portward/agent/kernel/nftables.ts';
import { answerLines } from './lines.ts';

const nftables = new Nftables('');
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  createInterface(socket).on('line', async (line) => {
    const [verb = '', element = ''] = line.split('\t');
    try {
      await nftables.run(`${verb} element ip portward forwardings { ${element} }\n`);
      socket.write('done\n');
    } catch (error) {
      socket.write(`${(error as Error).message}\n`);
    }
  });
});
server.listen(process.argv[2], () => void answerLines(() => undefined));
