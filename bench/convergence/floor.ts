/**
 * In the router's namespace: makes the agent's edit straight in the kernel, with the agent's own means. Asked by lines
 * over the socket whose path is the parameter: `add` or `delete`, the element's key and what it leads to.
 */
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { NftElements } from '@portward/agent/kernel/nft-elements.ts';
import { answerLines } from './lines.ts';

const elements = new NftElements('');
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  createInterface(socket).on('line', async (line) => {
    const [verb, element = '', data = null] = line.split('\t');
    const change = [{ set: 'forwardings', element, data }];
    try {
      await elements.change('portward', verb === 'add' ? [] : change, verb === 'add' ? change : []);
      socket.write('done\n');
    } catch (error) {
      socket.write(`${(error as Error).message}\n`);
    }
  });
});
server.listen(process.argv[2], () => void answerLines(() => undefined));
