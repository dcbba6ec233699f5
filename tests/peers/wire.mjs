// `fetch` over a deployment's Unix socket, whatever the address says.
import http from 'node:http';
import {buffer} from 'node:stream/consumers';

export function over(socketPath) {
  return async (address, init) => {
    const asked = new Request(address, init);
    const {host, pathname, search} = new URL(asked.url);
    const headers = {host, ...Object.fromEntries(asked.headers)};
    const body = Buffer.from(await asked.arrayBuffer());
    return new Promise((resolve, reject) => {
      const sent = http.request({socketPath, path: pathname + search, method: asked.method, headers}, async (answer) => {
        const received = await buffer(answer);
        resolve(new Response(received.length ? received : null, {status: answer.statusCode, headers: answer.headers}));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  };
}
