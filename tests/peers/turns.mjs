// For benchmarks/credentials.py: stays, and takes turns. A line {seconds, peer, action, how} → a line {count, seconds, processor}.
import {createInterface} from 'node:readline';
import {Peer} from './digitalbazaar.mjs';
import {SdJwtPeer} from './sd_jwt_vc.mjs';

const PEERS = {digitalbazaar: here => new Peer(here), sd_jwt_js: () => new SdJwtPeer()};
const peers = {};

for await (const line of createInterface({input: process.stdin})) {
  const {seconds, peer, here, action, how} = JSON.parse(line);
  peers[peer] ??= PEERS[peer](here);
  process.stdout.write(`${JSON.stringify(await repeated(peers[peer], action, how, 1000 * seconds))}\n`);
}

async function repeated(peer, action, how, milliseconds) {
  const begun = performance.now();
  const busy = process.cpuUsage();
  let count = 0;
  do {
    const answer = await peer[action]({...how});
    if(answer.verified === false) {
      throw new Error(`${action}: ${answer.errors}`);
    }
    count++;
  } while(performance.now() - begun < milliseconds);
  const {user, system} = process.cpuUsage(busy);
  return {count, seconds: (performance.now() - begun) / 1000, processor: (user + system) / 1e6};
}
